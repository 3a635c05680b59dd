/** A subscription that counts: of the topic as it is now, and not one that waited in vain for its confirmation. */

import { type Catalog, isExpired, type Subscription, type Topic } from '#shared/catalog'

export interface SubscriptionPlace {
  readonly topicArn: string
  readonly id: string
}

/** @returns undefined when there is none; one that expired is removed */
export async function readCurrentSubscription(
  catalog: Pick<Catalog, 'readTopic' | 'readSubscription' | 'removeSubscription'>,
  { topicArn, id }: SubscriptionPlace,
  now: number,
): Promise<{ topic: Topic; subscription: Subscription } | undefined> {
  const [snapshot, subscription] = await Promise.all([
    catalog.readTopic(topicArn),
    catalog.readSubscription(topicArn, id),
  ])
  if (snapshot === undefined || subscription?.incarnation !== snapshot.topic.incarnation) return undefined
  if (!isExpired(subscription, now)) return { topic: snapshot.topic, subscription }
  // Only as it was read: somebody may subscribe again at this moment.
  await catalog.removeSubscription(subscription)
  return undefined
}
