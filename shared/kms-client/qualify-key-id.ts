/**
 * Gives a topic's `KmsMasterKeyId` its account and region.
 *
 * KMS looks a bare key id or alias up in the caller's account, and the broker's own account is not
 * the topic's. So whatever is no ARN becomes one before it is sent.
 */

/** As KMS writes it in its answers. */
const KEY_ARN = /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]{1,256}$/

/** @param keyId key id, key ARN, `alias/…` or alias ARN; ARNs are returned as they are */
export function qualifyKeyId(keyId: string, topicArn: string): string {
  if (keyId.startsWith('arn:')) return keyId
  const { partition, region, account } = placeOf(topicArn)
  const resource = keyId.startsWith('alias/') ? keyId : `key/${keyId}`
  return `arn:${partition}:kms:${region}:${account}:${resource}`
}

/** Whether a text can be the ARN of a KMS key; of an alias it never is. */
export function isKeyArn(text: string): boolean {
  return KEY_ARN.test(text)
}

/** The second, fourth and fifth part of an ARN. */
export function placeOf(arn: string): { partition: string; region: string; account: string } {
  const [, partition = '', , region = '', account = ''] = arn.split(':')
  return { partition, region, account }
}
