/**
 * Subscriptions of a topic in Redis. Each change gives the topic a new version and keeps the indexes
 * (subscription-index.ts) in the same script.
 */

import { RecordForgedError } from '#shared/record-mac'
import { defineScript, redisCall } from '#shared/redis'
import { subscriptionArnOf } from './arns.ts'
import { callOnTopic } from './call-on-topic.ts'
import type { CatalogOptions } from './catalog-options.ts'
import { endpointName } from './endpoint-name.ts'
import { keys } from './keys.ts'
import { pendingSinceOf } from './pending.ts'
import { decodeSubscription, encodeSubscription, joinAuthentic, type Subscription, splitAuthentic } from './records.ts'
import { newVersion } from './topics.ts'

const putScript = defineScript(new URL('./put-subscription.lua', import.meta.url))
const removeScript = defineScript(new URL('./remove-subscription.lua', import.meta.url))

/** What a subscription's place must look like for it to be written. */
export type PutExpectation =
  /** `indexed`: what `findSubscription` said the endpoint leads to; nothing unless told. */
  | { expect: 'absent'; indexed?: string }
  /** As it was read. */
  | { replaces: Subscription }

export async function readSubscriptions(
  o: CatalogOptions,
  topicArn: string,
): Promise<{ subscriptions: Subscription[]; forged: number }> {
  // As a flat list: an object keyed by what lies in Redis would stumble over a field named __proto__.
  const of = { kind: 'subscription', topicArn } as const
  const reply = await callOnTopic(o, of, () => o.redis.call('HGETALL', keys.subscriptionsKey(topicArn)))
  const fields: unknown[] = Array.isArray(reply) ? reply : []
  const subscriptions: Subscription[] = []
  let forged = 0
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const subscription = readUnlessForged(o, { topicArn, id: String(fields[at]) }, String(fields[at + 1]))
    if (subscription === undefined) forged++
    else subscriptions.push(subscription)
  }
  return { subscriptions, forged }
}

export async function readSubscription(
  o: CatalogOptions,
  topicArn: string,
  id: string,
): Promise<Subscription | undefined> {
  const of = { kind: 'subscription', topicArn } as const
  const value = await callOnTopic(o, of, () => o.redis.hget(keys.subscriptionsKey(topicArn), id))
  return value === null ? undefined : readRecord(o, { topicArn, id }, value)
}

export async function putSubscription(
  o: CatalogOptions,
  subscription: Subscription,
  expectation: PutExpectation,
): Promise<boolean> {
  const { topicArn, incarnation, id, state } = subscription
  const replaced = 'replaces' in expectation ? encodeSubscription(expectation.replaces, o.recordMac).text : ''
  const args = [
    incarnation,
    id,
    joinAuthentic(encodeSubscription(subscription, o.recordMac)),
    newVersion(),
    state,
    pendingSinceOf(subscription),
    endpointName(subscription),
    replaced,
    'expect' in expectation ? (expectation.indexed ?? '') : '',
  ]
  const put = () => putScript.run(o.redis, keys.allOf(topicArn), args)
  const stored = (await callOnTopic(o, { kind: 'subscription', topicArn }, put, { writes: true })) === 1
  // After the subscription, since it lies in another slot. One that stopped halfway is repaired by the next Subscribe.
  if (stored && 'expect' in expectation) await enlistSubscription(o, subscription)
  return stored
}

export async function removeSubscription(o: CatalogOptions, subscription: Subscription): Promise<boolean> {
  const { topicArn, id } = subscription
  const args = [id, encodeSubscription(subscription, o.recordMac).text, endpointName(subscription), newVersion()]
  const remove = () => removeScript.run(o.redis, keys.allOf(topicArn), args)
  if ((await callOnTopic(o, { kind: 'subscription', topicArn }, remove, { writes: true })) !== 1) return false
  const arn = subscriptionArnOf(topicArn, id)
  await redisCall(o.redis, () => o.redis.zrem(keys.ownedKeyOf(subscription), arn), { writes: true })
  return true
}

export async function enlistSubscription({ redis }: CatalogOptions, subscription: Subscription): Promise<void> {
  const arn = subscriptionArnOf(subscription.topicArn, subscription.id)
  await redisCall(redis, () => redis.zadd(keys.ownedKeyOf(subscription), 0, arn), { writes: true })
}

/** @returns undefined for a forged one, after its alarm */
export function readUnlessForged(
  o: CatalogOptions,
  of: { topicArn: string; id: string },
  value: string,
): Subscription | undefined {
  try {
    return readRecord(o, of, value)
  } catch (error) {
    if (error instanceof RecordForgedError) return undefined
    throw error
  }
}

function readRecord(
  { recordMac, onForged }: CatalogOptions,
  of: { topicArn: string; id: string },
  value: string,
): Subscription {
  try {
    return decodeSubscription(of, splitAuthentic(value), recordMac)
  } catch (error) {
    if (error instanceof RecordForgedError) onForged({ kind: 'subscription', topicArn: of.topicArn })
    throw error
  }
}
