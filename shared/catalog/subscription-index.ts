/**
 * Finding, counting and paging a topic's subscriptions without reading them all.
 *
 * Four indexes lie in the topic's slot and are kept by the scripts that change subscriptions: ids in order,
 * endpoint → id, the pending by age, the deleted. Nothing authenticates them: an entry is a reference, and what
 * counts is the record it leads to. One that leads elsewhere is noticed by that; one that is missing by the
 * numbers, since there are at least as many endpoints and ids as records. Then all records are read, once, and
 * their entries written again. Whoever writes Redis can hide an endpoint by taking its entry and adding another:
 * the next Subscribe of that endpoint then makes a second subscription of it, which is delivered to as well.
 */

import { RecordForgedError } from '#shared/record-mac'
import { defineScript, pipelineReplies, redisCall } from '#shared/redis'
import { callOnTopic } from './call-on-topic.ts'
import type { CatalogOptions } from './catalog-options.ts'
import { type EndpointOwner, endpointName } from './endpoint-name.ts'
import { keys } from './keys.ts'
import { isExpired, PENDING_MS, pendingSinceOf } from './pending.ts'
import { encodeSubscription, type Subscription } from './records.ts'
import { readSubscription, readSubscriptions, removeSubscription } from './subscriptions.ts'

const indexScript = defineScript(new URL('./index-subscriptions.lua', import.meta.url))

/** Subscriptions a script indexes: it holds Redis for about 2 ms. */
const INDEX_CHUNK = 500

/** Expired ones that a search for an endpoint removes on its way. */
const EXPIRED_AT_ONCE = 10

/** Subscriptions by state. Those that expired are in none. */
export interface SubscriptionCounts {
  pending: number
  confirmed: number
  deleted: number
}

/** What an endpoint leads to; `indexed` is to be handed to `putSubscription`. */
export interface FoundSubscription {
  subscription: Subscription | undefined
  indexed: string
}

type Wanted = EndpointOwner & { topicArn: string; incarnation: string }

export async function findSubscription(o: CatalogOptions, wanted: Wanted, now: number): Promise<FoundSubscription> {
  const found = await findStored(o, wanted, now)
  if (found.subscription === undefined || !isExpired(found.subscription, now)) return found
  if (await removeSubscription(o, found.subscription)) return { subscription: undefined, indexed: '' }
  // Somebody renewed it, or removed it first.
  return findSubscription(o, wanted, now)
}

/** Also one that expired. */
async function findStored(o: CatalogOptions, wanted: Wanted, now: number): Promise<FoundSubscription> {
  const { topicArn } = wanted
  const { indexed, isComplete, oldest } = await lookUp(o, wanted, now)
  const others = oldest.filter((id) => id !== indexed)
  if (others.length > 0) await removeExpired(o, topicArn, others, now)
  const candidate = indexed === '' ? undefined : await readCandidate(o, topicArn, indexed)
  if (candidate !== undefined && isThe(candidate, wanted)) return { subscription: candidate, indexed }
  if (isComplete && indexed === '') return { subscription: undefined, indexed }
  const { subscriptions } = await readSubscriptions(o, topicArn)
  await indexSubscriptions(o, topicArn, subscriptions)
  // Where there is none and the entry leads elsewhere, writing the new subscription replaces it.
  const subscription = subscriptions.find((one) => isThe(one, wanted))
  return { subscription, indexed: subscription?.id ?? indexed }
}

export async function countSubscriptions(
  o: CatalogOptions,
  topicArn: string,
  now: number,
): Promise<SubscriptionCounts> {
  const replies = await callOnTopic(o, { kind: 'subscription', topicArn }, () => {
    const pipeline = o.redis.pipeline()
    pipeline.hlen(keys.subscriptionsKey(topicArn))
    pipeline.zcard(keys.pendingKey(topicArn))
    pipeline.zcount(keys.pendingKey(topicArn), `(${now - PENDING_MS}`, '+inf')
    pipeline.scard(keys.deletedKey(topicArn))
    return pipelineReplies(pipeline.exec())
  })
  const [all = 0, unconfirmed = 0, pending = 0, deleted = 0] = replies.map(Number)
  return { pending, confirmed: Math.max(0, all - unconfirmed - deleted), deleted }
}

/** Writes the index entries of these. */
export async function indexSubscriptions(
  o: CatalogOptions,
  topicArn: string,
  subscriptions: readonly Subscription[],
): Promise<void> {
  for (let from = 0; from < subscriptions.length; from += INDEX_CHUNK) {
    const entries = subscriptions.slice(from, from + INDEX_CHUNK).flatMap((one) => {
      const { text } = encodeSubscription(one, o.recordMac)
      return [one.id, text, endpointName(one), one.state, pendingSinceOf(one)]
    })
    const index = () => indexScript.run(o.redis, keys.allOf(topicArn), entries)
    await callOnTopic(o, { kind: 'subscription', topicArn }, index, { writes: true })
  }
}

/** One round trip: what the endpoint leads to, whether the indexes hold every record, who has waited too long. */
async function lookUp(
  o: CatalogOptions,
  wanted: Wanted,
  now: number,
): Promise<{ indexed: string; isComplete: boolean; oldest: string[] }> {
  const { topicArn } = wanted
  const replies = await callOnTopic(o, { kind: 'subscription', topicArn }, () => {
    const pipeline = o.redis.pipeline()
    pipeline.hget(keys.endpointsKey(topicArn), endpointName(wanted))
    pipeline.hlen(keys.endpointsKey(topicArn))
    pipeline.hlen(keys.subscriptionsKey(topicArn))
    pipeline.zrangebyscore(keys.pendingKey(topicArn), '-inf', now - PENDING_MS, 'LIMIT', 0, EXPIRED_AT_ONCE)
    return pipelineReplies(pipeline.exec())
  })
  const [indexed, endpoints, records, oldest] = replies
  return {
    indexed: typeof indexed === 'string' ? indexed : '',
    isComplete: Number(endpoints) >= Number(records),
    oldest: Array.isArray(oldest) ? oldest.map(String) : [],
  }
}

async function readCandidate(o: CatalogOptions, topicArn: string, id: string): Promise<Subscription | undefined> {
  try {
    return await readSubscription(o, topicArn, id)
  } catch (error) {
    // Reported already. As good as deleted, which whoever forges a record could have done as well.
    if (error instanceof RecordForgedError) return undefined
    throw error
  }
}

/** The index may lie about their age, so each record is asked, and the index corrected where it did. */
async function removeExpired(o: CatalogOptions, topicArn: string, ids: readonly string[], now: number): Promise<void> {
  const absent: string[] = []
  for (const id of ids) {
    const subscription = await readCandidate(o, topicArn, id)
    if (subscription === undefined) absent.push(id)
    else if (isExpired(subscription, now)) await removeSubscription(o, subscription)
    else await indexSubscriptions(o, topicArn, [subscription])
  }
  if (absent.length === 0) return
  await redisCall(o.redis, () => o.redis.zrem(keys.pendingKey(topicArn), ...absent), { writes: true })
}

function isThe(one: Subscription, wanted: Wanted): boolean {
  return (
    one.incarnation === wanted.incarnation &&
    one.protocol === wanted.protocol &&
    one.endpoint === wanted.endpoint &&
    one.owner === wanted.owner
  )
}
