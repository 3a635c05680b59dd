/**
 * Reads a subscription, decides, writes: again from the start when it changed meanwhile, so that a
 * confirmation and an unsubscribe that meet do not undo each other, and two Subscribe calls for one endpoint
 * end with one subscription.
 */

import type { Catalog, Subscription, Topic } from '#shared/catalog'
import { NotFoundError } from '#shared/sns-wire'
import { readCurrentSubscription, type SubscriptionPlace } from './current-subscription.ts'
import { SubscriptionContendedError } from './errors.ts'

/** Each lost attempt is a change that somebody else made to the same subscription. */
const MAX_ATTEMPTS = 20

/**
 * @param decide pure, may run several times: the subscription to store, or undefined to leave all as it is
 * @returns the subscription as it then is; undefined when there is none, or no topic any more
 * @throws {SubscriptionContendedError} and whatever `decide` throws
 */
export async function changeSubscription(
  catalog: Catalog,
  { now, ...place }: SubscriptionPlace & { now: number },
  decide: (current: Subscription) => Subscription | undefined,
): Promise<Subscription | undefined> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const current = (await readCurrentSubscription(catalog, place, now))?.subscription
    if (current === undefined) return undefined
    const changed = decide(current)
    if (changed === undefined) return current
    if (await catalog.putSubscription(changed, { replaces: current })) return changed
  }
  throw new SubscriptionContendedError()
}

/**
 * Removes a subscription for good, unless there is none.
 *
 * @param check throws where it must stay
 * @throws {SubscriptionContendedError} and whatever `check` throws
 */
export async function removeSubscription(
  catalog: Catalog,
  { now, ...place }: SubscriptionPlace & { now: number },
  check: (current: Subscription) => void,
): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const current = (await readCurrentSubscription(catalog, place, now))?.subscription
    if (current === undefined) return
    check(current)
    if (await catalog.removeSubscription(current)) return
  }
  throw new SubscriptionContendedError()
}

/**
 * Finds the subscription of an endpoint or creates it.
 *
 * @param allow throws when the caller may not, by the topic as it was read or as one that does not exist
 * @param reuse what an existing one becomes; undefined leaves it as it is
 * @throws {NotFoundError} {SubscriptionContendedError} and whatever `allow` and `reuse` throw
 */
export async function findOrCreateSubscription(
  catalog: Catalog,
  o: {
    wanted: Pick<Subscription, 'topicArn' | 'protocol' | 'endpoint' | 'owner'>
    now: number
    allow: (topic: Topic | undefined) => void
    reuse: (existing: Subscription) => Subscription | undefined
    fresh: (incarnation: string) => Subscription
  },
): Promise<Subscription> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const snapshot = await catalog.readTopic(o.wanted.topicArn)
    o.allow(snapshot?.topic)
    if (snapshot === undefined) throw new NotFoundError('Topic does not exist')
    const { incarnation } = snapshot.topic
    const { subscription: existing, indexed } = await catalog.findSubscription({ ...o.wanted, incarnation }, o.now)
    if (existing === undefined) {
      const fresh = o.fresh(incarnation)
      if (await catalog.putSubscription(fresh, { expect: 'absent', indexed })) return fresh
      continue
    }
    const reused = o.reuse(existing)
    if (reused !== undefined && !(await catalog.putSubscription(reused, { replaces: existing }))) continue
    await catalog.enlistSubscription(existing)
    return reused ?? existing
  }
  throw new SubscriptionContendedError()
}
