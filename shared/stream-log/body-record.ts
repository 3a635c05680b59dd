/**
 * The body record keeps a message for later attempts when its entry leaves the stream: the entry's
 * fields as they are (`e:<field>`), one field for each subscription still open (`s:<id>`), and their
 * count (`open`). It carries the entry's own MAC.
 *
 * The value of `s:<id>` says where the subscription's reference is: `<attempts made>` in the retry
 * schedule, `w<attempts made>` in its backlog (backlog.ts), either after an `h` while it waits for a KMS key (held.ts);
 * `@<epoch ms>` after it is when it last went on from there. The number is advice: nothing vouches for it,
 * and a wrong one makes a message tried more or less often than its policy says.
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

/** Where an open subscription of a message stands. */
export interface OpenSubscription {
  attemptsMade: number
  /** In its backlog, not in the retry schedule. */
  waits: boolean
  /** It waits for a KMS key before it goes on there. */
  held?: true
  /** When it went on after it had waited for a KMS key: epoch ms. */
  resumedAt?: number
}

export interface BodyRecord {
  fields: ReadonlyMap<string, Buffer>
  /** By subscription id. */
  open: ReadonlyMap<string, OpenSubscription>
}

export interface HandOff {
  messageId: string
  open: readonly (OpenSubscription & { subscriptionId: string })[]
}

export interface HandedOff {
  /** By subscription id, of those that wait; none where it was open already. */
  backlogIds: ReadonlyMap<string, string>
  /** A key that is ours to write held something that none of us wrote; it was replaced. */
  foreign: boolean
}

/** Nothing vouches for these names: at least they cannot be anything but ids. */
const SUBSCRIPTION_FIELD = /^s:[\w-]{1,64}$/

/** As many attempts as a policy can make; more was not written by us. */
const STATE = /^(h?)(w?)(\d{1,3})(?:@(\d{1,15}))?$/

const handOffScript = defineScript(new URL('./hand-off.lua', import.meta.url))
const settleSubscriptionScript = defineScript(new URL('./settle-subscription.lua', import.meta.url))
const noteAttemptsScript = defineScript(new URL('./note-attempts.lua', import.meta.url))

/**
 * Sends the fields rather than copying them inside Redis: what was verified is what is kept, even if
 * somebody deleted the entry from the stream meanwhile.
 */
export async function handOff(
  holding: Holding,
  claimed: ClaimedEntry,
  { messageId, open }: HandOff,
): Promise<HandedOff> {
  // A record without an open subscription would have nobody to delete it.
  if (open.length === 0) return { backlogIds: new Map(), foreign: false }
  const { partition } = holding
  const waiting = open.filter(({ waits }) => waits).map(({ subscriptionId }) => subscriptionId)
  const reply = await runFenced(
    handOffScript,
    holding,
    [
      keys.bodyKey(partition, messageId),
      keys.backlogsKey(partition),
      ...waiting.map((subscriptionId) => keys.backlogKey(partition, subscriptionId)),
    ],
    [
      messageId,
      open.length,
      ...open.flatMap(({ subscriptionId, attemptsMade, waits }) => [
        subscriptionId,
        waits ? `w${attemptsMade}` : String(attemptsMade),
      ]),
      ...[...claimed.fields].flat(),
    ],
  )
  const [foreign, list]: unknown[] = Array.isArray(reply) ? reply : []
  const ids = Array.isArray(list) ? list.map(String) : []
  const backlogIds = new Map<string, string>()
  for (const [at, subscriptionId] of waiting.entries()) {
    const id = ids[at]
    if (id !== undefined && id !== '') backlogIds.set(subscriptionId, id)
  }
  return { backlogIds, foreign: foreign === 1 }
}

export async function settleSubscription(holding: Holding, messageId: string, subscriptionId: string): Promise<void> {
  await runFenced(settleSubscriptionScript, holding, [keys.bodyKey(holding.partition, messageId)], [subscriptionId])
}

export async function noteAttempts(
  holding: Holding,
  messageId: string,
  subscriptionId: string,
  attemptsMade: number,
): Promise<void> {
  const record = keys.bodyKey(holding.partition, messageId)
  await runFenced(noteAttemptsScript, holding, [record], [subscriptionId, attemptsMade])
}

/** Not fenced: reading harms nobody, and what follows from it is fenced. */
export async function readBody(redis: Redis, partition: number, messageId: string): Promise<BodyRecord | undefined> {
  const reply = await redisCall(redis, () => redis.callBuffer('HGETALL', keys.bodyKey(partition, messageId)))
  const stored = readFields(reply)
  const fields = new Map<string, Buffer>()
  const open = new Map<string, OpenSubscription>()
  for (const [name, value] of stored) {
    if (name.startsWith('e:')) fields.set(name.slice(2), value)
    else if (SUBSCRIPTION_FIELD.test(name)) open.set(name.slice(2), readState(value))
  }
  // One that lost its fields is no record that was deleted: it does not verify, and that is an alarm.
  return stored.size === 0 ? undefined : { fields, open }
}

function readState(value: Buffer): OpenSubscription {
  const [, held, waits, attempts, resumedAt] = STATE.exec(value.toString('latin1')) ?? []
  return {
    attemptsMade: Number(attempts ?? 0),
    waits: waits === 'w',
    ...(held === 'h' && { held: true }),
    ...(resumedAt !== undefined && { resumedAt: Number(resumedAt) }),
  }
}
