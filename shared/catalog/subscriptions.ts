/** Subscriptions of a topic in Redis. Each change gives the topic a new version in the same script. */

import { RecordForgedError } from '#shared/record-mac'
import { defineScript } from '#shared/redis'
import { callOnTopic } from './call-on-topic.ts'
import type { CatalogOptions } from './catalog-options.ts'
import { keys } from './keys.ts'
import { decodeSubscription, encodeSubscription, joinAuthentic, type Subscription, splitAuthentic } from './records.ts'
import { newVersion } from './topics.ts'

const putScript = defineScript(new URL('./put-subscription.lua', import.meta.url))
const removeScript = defineScript(new URL('./remove-subscription.lua', import.meta.url))

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
    try {
      subscriptions.push(readRecord(o, { topicArn, id: String(fields[at]) }, String(fields[at + 1])))
    } catch (error) {
      if (!(error instanceof RecordForgedError)) throw error
      forged++
    }
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
  { expect, ifVersion = '' }: { expect: 'absent' | 'present'; ifVersion?: string },
): Promise<boolean> {
  const { topicArn, incarnation, id } = subscription
  const value = joinAuthentic(encodeSubscription(subscription, o.recordMac))
  const args = [incarnation, id, value, newVersion(), expect === 'present' ? 1 : 0, ifVersion]
  const reply = await callOnTopic(
    o,
    { kind: 'subscription', topicArn },
    () => putScript.run(o.redis, [keys.topicKey(topicArn), keys.subscriptionsKey(topicArn)], args),
    { writes: true },
  )
  return reply === 1
}

export async function removeSubscription(o: CatalogOptions, topicArn: string, id: string): Promise<boolean> {
  const reply = await callOnTopic(
    o,
    { kind: 'subscription', topicArn },
    () => removeScript.run(o.redis, [keys.topicKey(topicArn), keys.subscriptionsKey(topicArn)], [id, newVersion()]),
    { writes: true },
  )
  return reply === 1
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
