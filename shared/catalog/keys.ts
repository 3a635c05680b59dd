/**
 * One function builds each key of the catalog. Everything of a topic shares its hash tag `t:<arn>`, so
 * that a change of a subscription, of its indexes and the topic's version are one script. Frozen.
 */

export const keys = {
  /** Hash: `record`, `mac`, `incarnation`, `version`. */
  topicKey: (topicArn: string) => `${prefixOf(topicArn)}:topic`,
  /** Hash: subscription id → `<mac> <record>`. */
  subscriptionsKey: (topicArn: string) => `${prefixOf(topicArn)}:subscriptions`,
  /** Sorted set of subscription ids, all of score 0, in byte order: a hash has no order to page through. */
  idsKey: (topicArn: string) => `${prefixOf(topicArn)}:subscription-ids`,
  /** Hash: digest of protocol, endpoint and owner → subscription id. */
  endpointsKey: (topicArn: string) => `${prefixOf(topicArn)}:endpoints`,
  /** Sorted set of the ids of pending subscriptions, by when they began to wait. */
  pendingKey: (topicArn: string) => `${prefixOf(topicArn)}:pending`,
  /** Set of the ids of subscriptions that were unsubscribed by their link. */
  deletedKey: (topicArn: string) => `${prefixOf(topicArn)}:deleted`,
  /** All of the above, in the order in which scripts take them. */
  allOf: (topicArn: string) => [
    keys.topicKey(topicArn),
    keys.subscriptionsKey(topicArn),
    keys.idsKey(topicArn),
    keys.endpointsKey(topicArn),
    keys.pendingKey(topicArn),
    keys.deletedKey(topicArn),
  ],
  /** Sorted set of topic ARNs, all of score 0, in byte order. */
  indexKey: (account: string, region: string) => `sealcast:topics:${account}:${region}`,
  /** The index that a topic belongs to. */
  indexKeyOf(topicArn: string) {
    const [, , , region = '', account = ''] = topicArn.split(':')
    return keys.indexKey(account, region)
  },
  /** Sorted set of the ARNs of an account's subscriptions, all of score 0, in byte order; the region is the topic's. */
  ownedKey: (account: string, region: string) => `sealcast:subscriptions:${account}:${region}`,
  /** The one that a subscription belongs to. */
  ownedKeyOf({ topicArn, owner }: { topicArn: string; owner: string }) {
    const [, , , region = ''] = topicArn.split(':')
    return keys.ownedKey(owner, region)
  },
}

/** Topic ARNs have no braces. One that had would end the hash tag early and scatter the topic's keys. */
function prefixOf(topicArn: string): string {
  if (/[{}]/.test(topicArn)) throw new RangeError('Cannot build a key: the topic ARN holds a brace')
  return `sealcast:{t:${topicArn}}`
}
