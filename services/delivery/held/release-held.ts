/**
 * Releases what waits for a KMS key that works again, in the order in which it was held: entries go the way of every
 * claimed entry, from where they lie, and leave when they are settled; references go on in the retry schedule or their
 * backlog. So a crash at any point leaves each of them to whoever comes next.
 *
 * A page at a time, and no more under way than the partition has places for: a million messages are not read at once,
 * and newer entries get their turn between them. What cannot be opened stays in line; when the key is refused again and
 * so is one message after another, the others need not be tried.
 */

import type { Clock } from '#shared/clock'
import type { Log } from '#shared/log'
import type { RecordMac } from '#shared/record-mac'
import type { PartitionRetries } from '#shared/retry-schedule'
import { decodeEntry, type Entry, type HeldMessage, LeaseLostError, type PartitionLease } from '#shared/stream-log'
import type { Backlogs } from '../backlog/backlogs.ts'
import { decideError, type EntryDecision } from '../decide-settlement.ts'
import type { HandOver } from '../hand-over.ts'
import type { HandleEntry } from '../handle-entry.ts'
import type { Budget } from '../in-flight-budget.ts'
import { keepTrying } from '../keep-trying.ts'
import { HELD_PAGE, MAX_REFUSED_IN_A_ROW } from '../limits.ts'
import type { DeliveryMetrics } from '../metrics.ts'
import { reportFailure } from '../report-failure.ts'
import { createSettler } from '../settler.ts'
import type { TopicCache } from '../topic-cache.ts'
import { createReleaseOrder } from './release-order.ts'

export interface ReleaseDependencies {
  lease: PartitionLease
  recordMac: RecordMac
  topics: Pick<TopicCache, 'resolve'>
  handleEntry: HandleEntry
  handOver: HandOver
  backlogs: Pick<Backlogs, 'has' | 'joined'>
  retries: Pick<PartitionRetries, 'hasten'>
  /** Of the partition. */
  budget: Budget
  clock: Clock
  /** Aborts when nothing more is to be begun. */
  ended: AbortSignal
  /** Aborts when the lease is lost. */
  gone: AbortSignal
  onLeaseLost: () => void
  log: Log
  metrics: DeliveryMetrics
  /** Whether the key is refused again. */
  isRefused: () => boolean
  /** Told how many messages are left. */
  onLeft: (count: number) => void
}

type HeldEntry = Extract<HeldMessage, { kind: 'entry' }>
type HeldReference = Extract<HeldMessage, { kind: 'reference' }>

/** @returns whether all were tried that could be: false for faults of ours */
export async function releaseHeld(keyArn: string, o: ReleaseDependencies): Promise<{ isComplete: boolean }> {
  const { lease, budget, ended, gone } = o
  const { partition } = lease
  const underWay = new Set<Promise<void>>()
  const releaseOrder = createReleaseOrder(o.backlogs)
  const leaving = createSettler({
    gone,
    lease: { settle: async (heldIds) => o.onLeft(await lease.leaveHeld(keyArn, heldIds)) },
  })
  let isComplete = true
  let refusedInARow = 0
  const isOver = () => ended.aborted || (o.isRefused() && refusedInARow >= MAX_REFUSED_IN_A_ROW)

  for (let after = '0'; !isOver(); ) {
    // Before anything is read: many keys may work again at once, and what is read waits in memory.
    const places = await budget.reserve(HELD_PAGE, ended)
    const page = await readPage(after, places)
    if (page.length === 0) break
    for (const one of page) {
      after = one.heldId
      const work = finish(one).finally(() => {
        budget.release(1)
        underWay.delete(work)
      })
      underWay.add(work)
    }
  }
  await Promise.all(underWay)
  return { isComplete }

  /** Gives back the places that it has no message for. */
  async function readPage(after: string, places: number): Promise<HeldMessage[]> {
    let page: HeldMessage[] = []
    try {
      if (places > 0 && !isOver()) page = await keepTrying(() => lease.readHeld(keyArn, after, places), ended)
    } finally {
      if (page.length < places) budget.release(places - page.length)
    }
    return page
  }

  async function finish(held: HeldMessage): Promise<void> {
    try {
      await (held.kind === 'entry' ? releaseEntry(held) : releaseReference(held))
    } catch (error) {
      isComplete = false
      if (error instanceof LeaseLostError) o.onLeaseLost()
      else if (!gone.aborted) reportFailure(o, 'held.failed', { partition, keyArn, heldId: held.heldId }, error)
    }
  }

  async function releaseEntry(held: HeldEntry): Promise<void> {
    let entry: Entry
    try {
      entry = decodeEntry(held.fields, o.recordMac)
    } catch (error) {
      return apply(held, undefined, decideError(error))
    }
    const topic = (await o.topics.resolve([entry.topicArn])).get(entry.topicArn) ?? { kind: 'unknown' }
    // Whoever was releasing it before may have ended between hand-over and settlement.
    if (await o.handOver.isOver(entry, topic)) return leaving.settle(held.heldId)
    if (gone.aborted) return
    using order = releaseOrder.begin()
    await apply(held, entry, await o.handleEntry(entry, topic, { hasBacklog: o.backlogs.has, order, gone }))
  }

  async function apply(held: HeldEntry, entry: Entry | undefined, decision: EntryDecision): Promise<void> {
    const { heldId, fields } = held
    if (decision.kind !== 'hold-for-key') refusedInARow = 0
    switch (decision.kind) {
      case 'hand-off':
        if (entry === undefined) return
        await o.handOver.run({ streamId: heldId, fields }, entry, decision.later)
        return leaving.settle(heldId)
      case 'settle':
        return leaving.settle(heldId)
      case 'quarantine': {
        const { reason } = decision
        o.metrics.entryQuarantined(reason)
        o.log.alarm('entry.quarantined', { partition, heldId, keyArn, reason })
        return o.onLeft(await keepTrying(() => lease.quarantineHeld(keyArn, heldId, reason), gone))
      }
      case 'hold':
        isComplete = false
        return
      case 'hold-for-key':
        refusedInARow++
        return
      case 'abandon':
        return
    }
  }

  /** Whoever ended after the first step finds the reference here still, and does the others again. */
  async function releaseReference({ heldId, messageId, subscriptionId }: HeldReference): Promise<void> {
    const reference = { messageId, subscriptionId }
    const resumed = await keepTrying(() => lease.resumeReference(reference, o.clock.now()), gone)
    if (resumed.kind === 'retry' && !(await keepTrying(() => o.retries.hasten(reference), gone))) {
      // It was just found to have to wait, and is about to be put off for long: once more, when that is over.
      isComplete = false
      return
    }
    if (resumed.kind === 'backlog') {
      o.backlogs.joined({ ...reference, backlogId: resumed.backlogId, underWay: undefined })
    }
    await leaving.settle(heldId)
  }
}
