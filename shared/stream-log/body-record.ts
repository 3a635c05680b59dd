/**
 * The body record keeps a message for its retries when its entry leaves the stream: the entry's fields
 * as they are (`e:<field>`), one field for each subscription still open (`s:<id>`), and their count
 * (`open`). It carries the entry's own MAC.
 *
 * Handing off is repeatable, and must be: after a crash between this and the acknowledgement the entry
 * is reread, tried again and handed off again. A subscription that a retry settled in between is then
 * open once more and gets the message twice; the other choice, leaving it closed, would lose the
 * message when the retry's job is the one that went missing. At least once, never less.
 */

import { defineScript, type Redis, redisCall } from '#shared/redis'
import { type ClaimedEntry, readFields } from './claimed-entry.ts'
import { type Holding, runFenced } from './fenced.ts'
import { keys } from './keys.ts'

export interface BodyRecord {
  fields: ReadonlyMap<string, Buffer>
  openSubscriptions: readonly string[]
}

/** Nothing vouches for these names: at least they cannot be anything but ids. */
const SUBSCRIPTION_FIELD = /^s:[\w-]{1,64}$/

const handOffScript = defineScript(new URL('./hand-off.lua', import.meta.url))
const settleSubscriptionScript = defineScript(new URL('./settle-subscription.lua', import.meta.url))

/**
 * Sends the fields rather than copying them inside Redis: what was verified is what is kept, even if
 * somebody deleted the entry from the stream meanwhile.
 */
export async function handOff(
  holding: Holding,
  claimed: ClaimedEntry,
  { messageId, subscriptionIds }: { messageId: string; subscriptionIds: readonly string[] },
): Promise<void> {
  // A record without an open subscription would have nobody to delete it.
  if (subscriptionIds.length === 0) return
  const fields = [...claimed.fields].flat()
  const args = [subscriptionIds.length, ...subscriptionIds, ...fields]
  await runFenced(handOffScript, holding, [keys.bodyKey(holding.partition, messageId)], args)
}

export async function settleSubscription(holding: Holding, messageId: string, subscriptionId: string): Promise<void> {
  await runFenced(settleSubscriptionScript, holding, [keys.bodyKey(holding.partition, messageId)], [subscriptionId])
}

/** Not fenced: reading harms nobody, and what follows from it is fenced. */
export async function readBody(redis: Redis, partition: number, messageId: string): Promise<BodyRecord | undefined> {
  const reply = await redisCall(redis, () => redis.callBuffer('HGETALL', keys.bodyKey(partition, messageId)))
  const stored = readFields(reply)
  const fields = new Map<string, Buffer>()
  const openSubscriptions: string[] = []
  for (const [name, value] of stored) {
    if (name.startsWith('e:')) fields.set(name.slice(2), value)
    else if (SUBSCRIPTION_FIELD.test(name)) openSubscriptions.push(name.slice(2))
  }
  // One that lost its fields is no record that was deleted: it does not verify, and that is an alarm.
  return stored.size === 0 ? undefined : { fields, openSubscriptions }
}
