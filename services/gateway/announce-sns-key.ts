/**
 * A topic was given SNS's own key, `alias/aws/sns`: KMS is asked about it, which has it make the key of that account and
 * region. So an owner finds it in KMS before anybody publishes; where KMS does not answer now, the first publish does it.
 *
 * Nobody waits, so nobody is slowed down who asks for it again and again: one question an account and region at a time.
 */

import type { KmsClient } from '#shared/kms-client'
import { qualifyKeyId } from '#shared/kms-client'

/**
 * Does not wait for KMS, and does nothing for other keys.
 *
 * @param keyId what the topic was given
 * @param principal ARN of who gave it
 */
export type AnnounceSnsKey = (o: { topicArn: string; keyId: string; principal: string }) => void

const SNS_ALIAS = 'alias/aws/sns'

export function createAnnounceSnsKey({
  kms,
  onFailure,
}: {
  kms: Pick<KmsClient, 'describeKey'>
  onFailure: (topicArn: string, error: unknown) => void
}): AnnounceSnsKey {
  /** The alias as an ARN, which names account and region. */
  const asking = new Set<string>()
  return ({ topicArn, keyId, principal }) => {
    // By name or ARN; the key of another account or region is not for this topic to bring about.
    const aliasArn = qualifyKeyId(SNS_ALIAS, topicArn)
    if (qualifyKeyId(keyId, topicArn) !== aliasArn || asking.has(aliasArn)) return
    asking.add(aliasArn)
    kms
      .describeKey({ keyId, topicArn, principal })
      .catch((error: unknown) => onFailure(topicArn, error))
      .finally(() => asking.delete(aliasArn))
  }
}
