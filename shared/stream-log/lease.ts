/**
 * The lease of a partition and all that its holder may do.
 *
 * One random token an acquisition; every script compares it for equality, so that a holder that was
 * paused and wakes up does nothing. The holder renews well before `leaseMs` is over, rereads its pending
 * entries after acquiring and after any call with unknown outcome, and always releases in the end, also
 * a lost lease: that closes the connection it waited on.
 *
 * free ──acquire──▶ held ──renew──▶ held ──release──▶ free
 *                    └──no renewal within leaseMs──▶ free; its holder meets LEASE_LOST
 */

import { randomBytes } from 'node:crypto'
import { closeRedis, defineScript, type Redis, redisCall } from '#shared/redis'
import { type BacklogReference, leaveBacklog, listBacklogs, readBacklog } from './backlog.ts'
import {
  type BodyRecord,
  type HandedOff,
  type HandOff,
  handOff,
  noteAttempts,
  readBody,
  settleSubscription,
} from './body-record.ts'
import { claim } from './claim.ts'
import type { ClaimedEntry } from './claimed-entry.ts'
import { LeaseLostError } from './errors.ts'
import { type Holding, runFenced } from './fenced.ts'
import { type HeldMessages, heldMessagesOf } from './held.ts'
import { GROUP, keys } from './keys.ts'
import { quarantine } from './quarantine.ts'
import { reread } from './reread.ts'
import { settle } from './settle.ts'
import { waitForEntries } from './wait-for-entries.ts'

/** All methods but `renew`, `release`, `waitForEntries` and those that only read throw LeaseLostError when the lease is lost, having done nothing. */
export interface PartitionLease extends HeldMessages {
  readonly partition: number
  readonly token: string
  /** @returns false when the lease is lost */
  renew(): Promise<boolean>
  /** Gives the lease back if it is still held, and closes the waiting connection in any case. */
  release(): Promise<void>
  /**
   * Takes up to `limit` (1..1000) entries never delivered before, in stream order. What is issued on the same connection
   * after this call is carried out after it, unless `onResend` is called: by one server, so not through a cluster client.
   *
   * @throws {RedisOutcomeUnknownError} entries may be claimed: `reread` gives them
   */
  claim(limit: number, onResend?: () => void): Promise<ClaimedEntry[]>
  /** Pending entries with an id above `afterStreamId` (`0` to begin), those in flight included; empty at the end. */
  reread(afterStreamId: string, limit: number): Promise<ClaimedEntry[]>
  /**
   * Resolves when an unclaimed entry is there, or on abort. Takes nothing; may resolve without need.
   *
   * @returns the topic that the entry names; nothing vouches for it
   */
  waitForEntries(o: { signal: AbortSignal }): Promise<string | undefined>
  /** Acknowledges and deletes. Repeatable. */
  settle(streamIds: readonly string[]): Promise<void>
  /** Moves an entry to the quarantine stream. Repeatable. */
  quarantine(claimed: ClaimedEntry, reason: string): Promise<void>
  /** Keeps the message for later attempts at these subscriptions; the entry itself is settled afterwards. Repeatable. */
  handOff(claimed: ClaimedEntry, o: HandOff): Promise<HandedOff>
  /** Closes one subscription of a body record; the last one deletes it. Repeatable. */
  settleSubscription(messageId: string, subscriptionId: string): Promise<void>
  /** Notes that a subscription left its backlog for the retry schedule. Repeatable. */
  noteAttempts(messageId: string, subscriptionId: string, attemptsMade: number): Promise<void>
  readBody(messageId: string): Promise<BodyRecord | undefined>
  /** Subscriptions that have a backlog in this partition. */
  listBacklogs(): Promise<string[]>
  /** References of a backlog, oldest first, with an id above `afterBacklogId` (`0` to begin). */
  readBacklog(subscriptionId: string, afterBacklogId: string, limit: number): Promise<BacklogReference[]>
  /**
   * Takes a reference out of its backlog, and closes its subscription with `close`. Repeatable.
   *
   * @returns how many references are left
   */
  leaveBacklog(o: BacklogReference & { subscriptionId: string; close: boolean }): Promise<number>
}

/** No worker asks for more, so whatever lasts longer was not taken by one. */
export const MAX_LEASE_MS = 600_000

const acquireScript = defineScript(new URL('./acquire-lease.lua', import.meta.url))
const renewScript = defineScript(new URL('./renew-lease.lua', import.meta.url))
const releaseScript = defineScript(new URL('./release-lease.lua', import.meta.url))

/**
 * @param blockingRedis opens a connection for waiting (`blocking: true`); called at the first wait, closed by `release`
 * @param leaseMs at most 600,000
 * @param onForeign the lease was taken over although it had not run out: nobody of ours takes one without an end
 * @returns undefined when somebody else holds the lease
 * @throws {RedisOutcomeUnknownError} the lease may be taken by nobody until it expires
 */
export async function acquireLease({
  redis,
  blockingRedis,
  partition,
  leaseMs,
  onForeign = () => undefined,
}: {
  redis: Redis
  blockingRedis: () => Redis
  partition: number
  leaseMs: number
  onForeign?: () => void
}): Promise<PartitionLease | undefined> {
  if (leaseMs > MAX_LEASE_MS) {
    throw new RangeError(`Cannot take a lease: leaseMs must be up to ${MAX_LEASE_MS}, current value is ${leaseMs}`)
  }
  const token = randomBytes(16).toString('hex')
  const stream = keys.streamKey(partition)
  const reply = await redisCall(
    redis,
    () => acquireScript.run(redis, [keys.leaseKey(partition), stream], [token, leaseMs, GROUP, MAX_LEASE_MS]),
    { writes: true },
  )
  if (reply === null) return undefined
  const [lastDeliveredId, foreign]: unknown[] = Array.isArray(reply) ? reply : []
  if (foreign === 1) onForeign()
  return createLease({ redis, partition, token }, { blockingRedis, leaseMs, lastDeliveredId: String(lastDeliveredId) })
}

function createLease(
  holding: Holding,
  o: { blockingRedis: () => Redis; leaseMs: number; lastDeliveredId: string },
): PartitionLease {
  const { redis, partition, token } = holding
  let { lastDeliveredId } = o
  let waiting: Redis | undefined
  return {
    partition,
    token,
    renew: () => isStillHeld(runFenced(renewScript, holding, [], [o.leaseMs])),
    async release() {
      try {
        await isStillHeld(runFenced(releaseScript, holding, [], []))
      } finally {
        const open = waiting
        waiting = undefined
        if (open !== undefined) await closeRedis(open)
      }
    },
    async claim(limit, onResend) {
      const claimed = await claim(holding, limit, onResend)
      lastDeliveredId = claimed.lastDeliveredId
      return claimed.entries
    },
    reread: (afterStreamId, limit) => reread(holding, afterStreamId, limit),
    waitForEntries({ signal }) {
      waiting ??= o.blockingRedis()
      return waitForEntries({
        redis: waiting,
        stream: keys.streamKey(partition),
        afterId: () => lastDeliveredId,
        signal,
      })
    },
    settle: (streamIds) => settle(holding, streamIds),
    quarantine: ({ streamId }, reason) => quarantine(holding, { streamId, source: keys.streamKey(partition) }, reason),
    handOff: (claimed, to) => handOff(holding, claimed, to),
    settleSubscription: (messageId, subscriptionId) => settleSubscription(holding, messageId, subscriptionId),
    noteAttempts: (messageId, subscriptionId, attemptsMade) =>
      noteAttempts(holding, messageId, subscriptionId, attemptsMade),
    readBody: (messageId) => readBody(redis, partition, messageId),
    listBacklogs: () => listBacklogs(redis, partition),
    readBacklog: (subscriptionId, afterBacklogId, limit) =>
      readBacklog(redis, { partition, subscriptionId, afterBacklogId, limit }),
    leaveBacklog: (reference) => leaveBacklog(holding, reference),
    ...heldMessagesOf(holding),
  }
}

async function isStillHeld(call: Promise<unknown>): Promise<boolean> {
  try {
    await call
    return true
  } catch (error) {
    if (error instanceof LeaseLostError) return false
    throw error
  }
}
