/**
 * One function builds each key of the catalog. Everything of a topic shares its hash tag `t:<arn>`, so
 * that a change of a subscription and the topic's version are one script. Frozen.
 */

export const keys = {
  /** Hash: `record`, `mac`, `incarnation`, `version`. */
  topicKey: (topicArn: string) => `sealcast:{t:${tagged(topicArn)}}:topic`,
  /** Hash: subscription id → `<mac> <record>`. */
  subscriptionsKey: (topicArn: string) => `sealcast:{t:${tagged(topicArn)}}:subscriptions`,
  /** Sorted set of topic ARNs, all of score 0, in byte order. */
  indexKey: (account: string, region: string) => `sealcast:topics:${account}:${region}`,
  /** The index that a topic belongs to. */
  indexKeyOf(topicArn: string) {
    const [, , , region = '', account = ''] = topicArn.split(':')
    return keys.indexKey(account, region)
  },
}

/** Topic ARNs have no braces. One that had would end the hash tag early and scatter the topic's keys. */
function tagged(topicArn: string): string {
  if (/[{}]/.test(topicArn)) throw new RangeError('Cannot build a key: the topic ARN holds a brace')
  return topicArn
}
