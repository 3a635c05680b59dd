/**
 * From an entry to what goes on without it: body record and backlogs in one step, then a job for each retry. The entry
 * itself is settled afterwards by whoever calls this, so that a crash between leaves it to be read again.
 */

import type { Log } from '#shared/log'
import type { RecordMac } from '#shared/record-mac'
import { applyJitter, type PartitionRetries } from '#shared/retry-schedule'
import { type BodyRecord, type ClaimedEntry, decodeEntry, type Entry, type PartitionLease } from '#shared/stream-log'
import type { Backlogs } from './backlog/backlogs.ts'
import { decideError, type Later } from './decide-settlement.ts'
import { keepTrying } from './keep-trying.ts'
import type { DeliveryMetrics } from './metrics.ts'
import type { TopicState } from './topic-cache.ts'

export interface HandOver {
  /** Whether an earlier one lacks nothing but the entry's settlement; its retries are scheduled once more then. */
  isOver(entry: Entry, topic: TopicState): Promise<boolean>
  run(claimed: ClaimedEntry, entry: Entry, later: readonly Later[]): Promise<void>
}

export function createHandOver(o: {
  lease: Pick<PartitionLease, 'partition' | 'readBody' | 'handOff'>
  retries: Pick<PartitionRetries, 'schedule'>
  backlogs: Pick<Backlogs, 'expect' | 'unexpect' | 'joined'>
  recordMac: RecordMac
  /** Length of one second of a retry policy. */
  retrySecondMs: number
  random: () => number
  /** Aborts when the lease is lost. */
  gone: AbortSignal
  log: Log
  metrics: DeliveryMetrics
}): HandOver {
  const { lease, backlogs, gone, log, metrics } = o
  const { partition } = lease

  return {
    async isOver(entry, topic) {
      const body = await lease.readBody(entry.messageId)
      if (body === undefined || !isOf(entry, body)) return false
      // Those that wait are in their backlogs, or for a key: they were lined up together with the record.
      const inRetry = [...body.open].filter(([, { waits, held }]) => !waits && held !== true)
      await schedule(
        entry,
        inRetry.map(([subscriptionId, { attemptsMade }]) => ({
          subscriptionId,
          delaySeconds: delayOf(topic, subscriptionId, attemptsMade),
        })),
      )
      return true
    },
    async run(claimed, entry, later) {
      await handOff(claimed, entry.messageId, later)
      await schedule(
        entry,
        later.filter((one) => one.kind === 'retry'),
      )
    },
  }

  /** One that does not verify says nothing about whether the entry was handed off. */
  function isOf({ messageId }: Entry, { fields }: BodyRecord): boolean {
    try {
      if (decodeEntry(fields, o.recordMac).messageId === messageId) return true
    } catch (error) {
      if (decideError(error).kind !== 'quarantine') throw error
    }
    metrics.recordForged('body')
    log.alarm('record.forged', { kind: 'body', partition, messageId })
    return false
  }

  /** First attempts that go on are known to their backlog before the message shows there. */
  async function handOff(claimed: ClaimedEntry, messageId: string, later: readonly Later[]): Promise<void> {
    const expected = later.filter((one) => one.kind === 'waits' && one.underWay !== undefined)
    for (const { subscriptionId } of expected) backlogs.expect(subscriptionId, messageId)
    const open = later.map(({ subscriptionId, kind }) => ({
      subscriptionId,
      waits: kind === 'waits',
      attemptsMade: kind === 'waits' ? 0 : 1,
    }))
    const { backlogIds, foreign } = await keepTrying(() => lease.handOff(claimed, { messageId, open }), gone).catch(
      (error: unknown) => {
        // The entry is read again, and may then wait without an attempt under way: nobody would ever begin it.
        for (const { subscriptionId } of expected) backlogs.unexpect(subscriptionId, messageId)
        throw error
      },
    )
    if (foreign) {
      metrics.recordForged('backlog')
      log.alarm('record.forged', { kind: 'backlog', partition })
    }
    for (const one of later) {
      if (one.kind !== 'waits') continue
      const { subscriptionId, underWay } = one
      backlogs.joined({ subscriptionId, messageId, backlogId: backlogIds.get(subscriptionId) ?? '', underWay })
    }
  }

  async function schedule(
    { messageId }: Entry,
    retries: readonly { subscriptionId: string; delaySeconds: number }[],
  ): Promise<void> {
    await Promise.all(
      retries.map(({ subscriptionId, delaySeconds }) =>
        keepTrying(
          () =>
            o.retries.schedule(
              { messageId, subscriptionId },
              { delayMs: applyJitter(delaySeconds * o.retrySecondMs, o.random()) },
            ),
          gone,
        ),
      ),
    )
  }
}

/** Before the retry that follows so many attempts. */
function delayOf(topic: TopicState, subscriptionId: string, attemptsMade: number): number {
  if (topic.kind !== 'known') return 0
  return topic.recipients.byId.get(subscriptionId)?.terms.delays[attemptsMade - 1] ?? 0
}
