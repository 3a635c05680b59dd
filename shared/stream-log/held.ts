/**
 * Messages that wait for a KMS key: one stream for each key that does not work, in each partition that has any.
 *
 * An entry that cannot be opened moves there as it lies in the partition stream, sealed, in the same step that
 * acknowledges it; a message that is in the retry schedule or in a backlog already is held by a reference to its body
 * record. The order is that in which they were held, which is that of acceptance for entries of the stream. Reading
 * takes nothing out, so a crash at any point finds each message in exactly one place.
 *
 * Nothing authenticates a held entry but its own MAC, nor a reference but the record it leads to.
 */

import { defineScript, type Redis, redisCall } from '#shared/redis'
import { type ClaimedEntry, readClaimedEntries } from './claimed-entry.ts'
import { type Holding, runFenced } from './fenced.ts'
import { GROUP, keys } from './keys.ts'
import { checkLimit, MAX_ENTRY_BYTES } from './limit.ts'
import { quarantine } from './quarantine.ts'

/** What waits for a key: an entry of the stream, or a subscription of a message whose body record is kept. */
export type HeldMessage =
  | { kind: 'entry'; heldId: string; fields: ClaimedEntry['fields'] }
  /** Ids are empty when somebody wrote a reference that can be none of ours. */
  | { kind: 'reference'; heldId: string; messageId: string; subscriptionId: string }

export interface HeldReference {
  messageId: string
  subscriptionId: string
  /** When the message was accepted: epoch ms. */
  acceptedAt: number
  /** Where it lies in its backlog; undefined for one in the retry schedule. */
  backlogId: string | undefined
}

/** Where a subscription goes on that was held. */
export type Resumed = { kind: 'closed' | 'retry' } | { kind: 'backlog'; backlogId: string }

/** What the holder of a lease may do with them. */
export interface HeldMessages {
  /**
   * Moves entries to the held stream of a KMS key. Repeatable.
   *
   * @returns how many messages are held for the key by now; `foreign` when a key of ours held something of nobody's
   */
  hold(keyArn: string, streamIds: readonly string[]): Promise<{ held: number; foreign: boolean }>
  /**
   * Holds a message that is in the retry schedule or in a backlog already. Repeatable.
   *
   * @returns how many are held for the key by now, and how many references are left in the backlog
   */
  holdReference(keyArn: string, reference: HeldReference): Promise<{ held: number; left: number }>
  /**
   * Lets a held reference go on where it was; whoever resumed it takes it out of the held stream. Repeatable.
   *
   * @param now epoch ms: its age counts from here, since it could not be tried before
   */
  resumeReference(reference: { messageId: string; subscriptionId: string }, now: number): Promise<Resumed>
  /** KMS keys that messages of this partition wait for. */
  listHeldKeys(): Promise<string[]>
  /** What waits for a key, in order, with an id above `afterHeldId` (`0` to begin). */
  readHeld(keyArn: string, afterHeldId: string, limit: number): Promise<HeldMessage[]>
  /** Takes messages out of a held stream: nothing more has to be done for them. Repeatable. @returns how many are left */
  leaveHeld(keyArn: string, heldIds: readonly string[]): Promise<number>
  /** Moves a held entry to the quarantine stream. Repeatable. @returns how many are left */
  quarantineHeld(keyArn: string, heldId: string, reason: string): Promise<number>
}

/** The form of every key that is asked of KMS; what else is in the set was put there by nobody of ours. */
const KEY_ARN = /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[A-Za-z0-9-]{1,256}$/

/** No body record and no subscription of ours has another name. */
const ID = /^[\w-]{1,64}$/

/** More keys than an account has; whoever fills the set with others only makes some of them wait. */
const MAX_HELD_KEYS = 10_000

/** Entries a script: each is copied, and with the largest bodies this is 16 MiB. */
const ENTRIES_A_SCRIPT = 64

const holdScript = defineScript(new URL('./hold.lua', import.meta.url))
const readScript = defineScript(new URL('./read-held.lua', import.meta.url))
const leaveScript = defineScript(new URL('./leave-held.lua', import.meta.url))
const holdReferenceScript = defineScript(new URL('./hold-reference.lua', import.meta.url))
const resumeReferenceScript = defineScript(new URL('./resume-reference.lua', import.meta.url))

export function heldMessagesOf(holding: Holding): HeldMessages {
  const { redis, partition } = holding
  return {
    hold: (keyArn, streamIds) => hold(holding, keyArn, streamIds),
    holdReference: (keyArn, reference) => holdReference(holding, keyArn, reference),
    resumeReference: (reference, now) => resumeReference(holding, reference, now),
    listHeldKeys: () => listHeldKeys(redis, partition),
    readHeld: (keyArn, afterHeldId, limit) => readHeld(holding, { keyArn, afterHeldId, limit }),
    leaveHeld: (keyArn, heldIds) => leaveHeld(holding, keyArn, heldIds),
    async quarantineHeld(keyArn, heldId, reason) {
      await quarantine(holding, { streamId: heldId, source: keys.heldKey(partition, keyArn) }, reason)
      return leaveHeld(holding, keyArn, [heldId])
    },
  }
}

async function hold(
  holding: Holding,
  keyArn: string,
  streamIds: readonly string[],
): Promise<{ held: number; foreign: boolean }> {
  const { partition } = holding
  const used = [keys.streamKey(partition), keys.heldKey(partition, keyArn), keys.heldKeysKey(partition)]
  let held = 0
  let foreign = false
  for (let at = 0; at < streamIds.length; at += ENTRIES_A_SCRIPT) {
    const ids = streamIds.slice(at, at + ENTRIES_A_SCRIPT)
    const reply = await runFenced(holdScript, holding, used, [GROUP, keyArn, ...ids])
    const [count, isForeign]: unknown[] = Array.isArray(reply) ? reply : []
    held = Number(count)
    foreign ||= isForeign === 1
  }
  return { held, foreign }
}

async function holdReference(
  holding: Holding,
  keyArn: string,
  { messageId, subscriptionId, acceptedAt, backlogId = '' }: HeldReference,
): Promise<{ held: number; left: number }> {
  const { partition } = holding
  const reply = await runFenced(
    holdReferenceScript,
    holding,
    [
      keys.bodyKey(partition, messageId),
      keys.heldKey(partition, keyArn),
      keys.heldKeysKey(partition),
      keys.backlogsKey(partition),
      keys.backlogKey(partition, subscriptionId),
    ],
    [keyArn, messageId, subscriptionId, acceptedAt, backlogId],
  )
  const [held, left]: unknown[] = Array.isArray(reply) ? reply : []
  return { held: Number(held), left: Number(left) }
}

async function resumeReference(
  holding: Holding,
  { messageId, subscriptionId }: { messageId: string; subscriptionId: string },
  now: number,
): Promise<Resumed> {
  const { partition } = holding
  const reply = await runFenced(
    resumeReferenceScript,
    holding,
    [keys.bodyKey(partition, messageId), keys.backlogsKey(partition), keys.backlogKey(partition, subscriptionId)],
    [messageId, subscriptionId, now],
  )
  const [state = '', backlogId = ''] = Array.isArray(reply) ? reply.map(String) : []
  if (state === '') return { kind: 'closed' }
  return state.startsWith('w') ? { kind: 'backlog', backlogId } : { kind: 'retry' }
}

async function readHeld(
  holding: Holding,
  { keyArn, afterHeldId, limit }: { keyArn: string; afterHeldId: string; limit: number },
): Promise<HeldMessage[]> {
  checkLimit('read', limit)
  const key = keys.heldKey(holding.partition, keyArn)
  const reply = await runFenced(readScript, holding, [key], [afterHeldId, limit, MAX_ENTRY_BYTES])
  return readClaimedEntries(reply).map(({ streamId, fields }) => {
    const [messageId, subscriptionId] = [fields.get('m'), fields.get('s')]
    if (messageId === undefined || subscriptionId === undefined) return { kind: 'entry', heldId: streamId, fields }
    return { kind: 'reference', heldId: streamId, messageId: idOf(messageId), subscriptionId: idOf(subscriptionId) }
  })
}

async function leaveHeld(holding: Holding, keyArn: string, heldIds: readonly string[]): Promise<number> {
  const { partition } = holding
  const used = [keys.heldKey(partition, keyArn), keys.heldKeysKey(partition)]
  return Number(await runFenced(leaveScript, holding, used, [keyArn, ...heldIds]))
}

/** Not fenced: reading harms nobody. @returns ARNs of the keys that messages of the partition wait for, in no order */
async function listHeldKeys(redis: Redis, partition: number): Promise<string[]> {
  const key = keys.heldKeysKey(partition)
  // At random and bounded: a set that somebody filled must not fill this process.
  const members = await redisCall(redis, () => redis.srandmember(key, MAX_HELD_KEYS))
  return members.filter((one) => KEY_ARN.test(one))
}

function idOf(value: Buffer): string {
  const id = value.toString('latin1')
  return ID.test(id) ? id : ''
}
