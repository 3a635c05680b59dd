/**
 * Reads a subscription, decides, writes: again from the start when the topic or any of its
 * subscriptions changed meanwhile, so that a confirmation and an unsubscribe that meet do not undo
 * each other.
 */

import type { Catalog, Subscription } from '#shared/catalog'
import { NotFoundError } from '#shared/sns-wire'
import { SubscriptionContendedError } from './errors.ts'

/** Changes of one gateway take turns, so each lost attempt is another gateway's change. */
const MAX_ATTEMPTS = 20

/**
 * @param decide pure, may run several times: the subscription to store, or undefined to leave all as it is
 * @returns the subscription as it then is; undefined when there is none, or no topic any more
 * @throws {SubscriptionContendedError} and whatever `decide` throws
 */
export async function changeSubscription(
  catalog: Catalog,
  { topicArn, id }: { topicArn: string; id: string },
  decide: (current: Subscription) => Subscription | undefined,
): Promise<Subscription | undefined> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const snapshot = await catalog.readTopic(topicArn)
    if (snapshot === undefined) return undefined
    const current = await catalog.readSubscription(topicArn, id)
    if (current === undefined || current.incarnation !== snapshot.topic.incarnation) return undefined
    const changed = decide(current)
    if (changed === undefined) return current
    if (await catalog.putSubscription(changed, { expect: 'present', ifVersion: snapshot.version })) return changed
  }
  throw new SubscriptionContendedError()
}

/**
 * Finds the subscription that `isWanted` names or creates `fresh`, atomically with respect to every
 * other change of the topic: two Subscribe calls for one endpoint end with one subscription.
 *
 * @param revive what an existing one becomes; undefined leaves it as it is
 */
export async function findOrCreateSubscription(
  catalog: Catalog,
  o: {
    topicArn: string
    isWanted: (subscription: Subscription) => boolean
    revive: (existing: Subscription) => Subscription | undefined
    fresh: (incarnation: string) => Subscription
  },
): Promise<Subscription> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const snapshot = await catalog.readTopic(o.topicArn)
    if (snapshot === undefined) throw new NotFoundError('Topic does not exist')
    const { incarnation } = snapshot.topic
    const { subscriptions } = await catalog.readSubscriptions(o.topicArn)
    const existing = subscriptions.find((one) => one.incarnation === incarnation && o.isWanted(one))
    const stored = existing === undefined ? o.fresh(incarnation) : o.revive(existing)
    if (existing !== undefined && stored === undefined) return existing
    if (stored === undefined) continue
    const expect = existing === undefined ? 'absent' : 'present'
    if (await catalog.putSubscription(stored, { expect, ifVersion: snapshot.version })) return stored
  }
  throw new SubscriptionContendedError()
}
