/**
 * One partition while its lease is held: claim → topics → first attempts → settle, hand off, hold or
 * quarantine.
 *
 * Entries are in flight from claim to settlement, each on its own; the loop waits only for places and
 * for entries. Everything Redis must record is repeated until it is recorded or the lease is lost, so
 * that a restart of Redis does not deliver twice what was delivered.
 *
 * Beside the claims goes a reading of the partition's pending entries, page by page: at the start (a
 * former owner's), after a claim whose reply was lost, and every few seconds (those that a fault of ours keeps). An entry
 * whose body record exists was handed off before its settlement was recorded: its first attempts are
 * over, and what is still open goes to the retry schedule once more.
 *
 * No entry stays for long: what waits for a KMS key moves to the held stream of that key; first attempts that find no room or no answer go on from the backlogs of their
 * subscriptions, which are drained beside the claims.
 *
 * A fenced script that is refused ends everything at once; what is in flight then counts for nothing. So
 * does a stream or a group that somebody took away or replaced: taking the lease again makes them anew.
 */

import type { Log } from '#shared/log'
import type { RecordMac } from '#shared/record-mac'
import type { PartitionRetries } from '#shared/retry-schedule'
import { type ClaimedEntry, decodeEntry, type Entry, LeaseLostError, type PartitionLease } from '#shared/stream-log'
import { type Backlogs, openBacklogs } from './backlog/backlogs.ts'
import type { DrainDependencies } from './backlog/drain.ts'
import { decideError, type EntryDecision } from './decide-settlement.ts'
import { createHandOver } from './hand-over.ts'
import type { HandleEntry } from './handle-entry.ts'
import { type HeldKeys, openHeldKeys } from './held/held-keys.ts'
import type { HeldReferences } from './held/held-references.ts'
import type { KeyWatch } from './held/key-watch.ts'
import { type Budget, createBudget } from './in-flight-budget.ts'
import { keepTrying } from './keep-trying.ts'
import {
  CLAIM_LIMIT,
  MAX_HELD_REMEMBERED,
  MAX_IN_FLIGHT_PER_PARTITION,
  REDIS_PAUSE_MS,
  REREAD_PAUSE_MS,
  REREAD_SHARE,
} from './limits.ts'
import type { DeliveryMetrics } from './metrics.ts'
import type { Reopen } from './reopen.ts'
import { isTampering, reportFailure } from './report-failure.ts'
import { createSettler } from './settler.ts'
import type { Ahead, TopicCache, TopicState } from './topic-cache.ts'

export interface LoopDependencies
  extends Pick<
    DrainDependencies,
    'admit' | 'attemptDelivery' | 'endpoints' | 'retrySecondMs' | 'random' | 'maxAgeMs' | 'clock'
  > {
  recordMac: RecordMac
  /** Asks on the connection of the lease. */
  topics: TopicCache
  handleEntry: HandleEntry
  /** Of the process. */
  budget: Budget
  /** Of the process. */
  keyWatch: KeyWatch
  log: Log
  metrics: DeliveryMetrics
}

/**
 * Delivers the partition's entries until told to stop.
 *
 * @param stopping aborts when no more entries are to be claimed; resolves once nothing is in flight
 * @param gone aborts when the lease is lost or time is up; resolves at once
 * @param onLeaseLost called when a fenced script was refused
 * @throws what `isTampering` tells of the stream or the lease
 */
export async function runDeliveryLoop(
  o: LoopDependencies & {
    lease: PartitionLease
    retries: Pick<PartitionRetries, 'schedule' | 'hasten'>
    /** For references of this partition. */
    reopen: Reopen
    /** What its retries and backlogs hold for a key. */
    heldReferences: HeldReferences
    stopping: AbortSignal
    gone: AbortSignal
    onLeaseLost: () => void
  },
): Promise<void> {
  const { lease, gone, clock, log, metrics } = o
  const { partition } = lease
  const ended = AbortSignal.any([o.stopping, gone])
  const budget = createBudget({ capacity: MAX_IN_FLIGHT_PER_PARTITION, parent: o.budget })
  const settler = createSettler({ lease, gone })
  /** Attempts that outlast the partition have no say in it any more. */
  const over = new AbortController()
  const backlogs: Backlogs = openBacklogs({ ...o, ended, gone: AbortSignal.any([gone, over.signal]) })

  const handOver = createHandOver({ ...o, backlogs })
  const heldKeys: HeldKeys = openHeldKeys({ ...o, budget, backlogs, handOver, ended })

  const inFlight = new Set<string>()
  const held = new Set<string>()
  /** Entries that left `inFlight` while a page was on its way: the page may still name them. */
  let leftMeanwhile: Set<string> | undefined
  /** The reading under way: where its next page starts, and when it began. */
  let reading: { after: string; startedAt: number } | undefined = { after: '0-0', startedAt: clock.now() }
  let readAt = 0
  let nextReadingAt = 0
  /** The wait for entries under way; it outlasts a sleep that ended for another reason. */
  let waiting: AbortController | undefined
  /** The topic of the entry that was waited for: what is about to be claimed is of it, more often than not. */
  let nextTopicArn: string | undefined
  let wake = (): void => undefined
  let drained = (): void => undefined

  const tick = setInterval(() => wake(), REREAD_PAUSE_MS / 3)
  const onEnd = () => {
    waiting?.abort()
    wake()
  }
  ended.addEventListener('abort', onEnd)
  try {
    await run()
    await nothingInFlight()
    await heldKeys.left()
    await backlogs.left()
  } finally {
    over.abort()
    clearInterval(tick)
    ended.removeEventListener('abort', onEnd)
    waiting?.abort()
  }

  async function run(): Promise<void> {
    let pauseMs: number = REDIS_PAUSE_MS.first
    while (!ended.aborted) {
      try {
        if (reading === undefined && isReadingDue()) reading = { after: '0-0', startedAt: clock.now() }
        if (reading !== undefined) await rereadPage(reading)
        const { places, claimed } = await claim()
        // Who got fewer than there was room for has taken all. With two or more the next are likely here by now.
        const isDrained = claimed < Math.min(places, 2)
        if (isDrained && reading === undefined && !ended.aborted) await sleep()
        pauseMs = REDIS_PAUSE_MS.first
      } catch (error) {
        if (error instanceof LeaseLostError) {
          o.onLeaseLost()
          return
        }
        if (isTampering(error)) throw error
        log.warn('claim.failed', { partition }, error)
        // Its reply may be lost, not the claim.
        nextReadingAt = 0
        await sleep(pauseMs)
        pauseMs = Math.min(pauseMs * 2, REDIS_PAUSE_MS.longest)
      }
    }
  }

  /** A clock that was set back does not keep held entries waiting until it is that late again. */
  function isReadingDue(): boolean {
    const now = clock.now()
    return now >= nextReadingAt || now < readAt
  }

  /** @returns how many entries were claimed, of how many that there was room for */
  async function claim(): Promise<{ places: number; claimed: number }> {
    const places = await budget.reserve(CLAIM_LIMIT, ended)
    if (places === 0) return { places, claimed: 0 }
    const topicArn = nextTopicArn
    nextTopicArn = undefined
    let ahead: Ahead | undefined
    let claimed: ClaimedEntry[] = []
    try {
      const claiming = lease.claim(places, () => {
        ahead = undefined
      })
      // In the same write, and after the claim for Redis: one wait for an answer instead of two.
      if (topicArn !== undefined) ahead = o.topics.askAhead(topicArn)
      claimed = await claiming
    } finally {
      if (claimed.length < places) budget.release(places - claimed.length)
    }
    if (claimed.length > 0) {
      metrics.entriesClaimed(claimed.length)
      begin(claimed, { pending: false, ahead })
    }
    return { places, claimed: claimed.length }
  }

  async function rereadPage(page: { after: string; startedAt: number }): Promise<void> {
    const places = await budget.reserve(CLAIM_LIMIT, ended)
    if (places === 0) return
    const due: ClaimedEntry[] = []
    const left = new Set<string>()
    leftMeanwhile = left
    try {
      const pending = await lease.reread(page.after, CLAIM_LIMIT)
      let after = page.after
      for (const one of pending) {
        const isOurs = inFlight.has(one.streamId) || left.has(one.streamId)
        if (!isOurs && due.length === places) break
        if (!isOurs) due.push(one)
        after = one.streamId
      }
      const last = pending.at(-1)
      const complete = last === undefined || (pending.length < CLAIM_LIMIT && after === last.streamId)
      reading = complete ? undefined : { ...page, after }
      if (complete) {
        readAt = clock.now()
        nextReadingAt = readAt + Math.max(REREAD_PAUSE_MS, (readAt - page.startedAt) * REREAD_SHARE)
      }
    } finally {
      leftMeanwhile = undefined
      if (due.length < places) budget.release(places - due.length)
    }
    if (due.length > 0) begin(due, { pending: true })
  }

  /** Until something may be there to claim or read, the end, or `atMostMs`. */
  async function sleep(atMostMs?: number): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      wake = resolve
    })
    if (ended.aborted) return
    if (waiting === undefined && atMostMs === undefined) waitForEntries()
    const timer = atMostMs === undefined ? undefined : setTimeout(() => wake(), atMostMs)
    await woken
    clearTimeout(timer)
  }

  function waitForEntries(): void {
    // A controller of its own, since listeners on `ended` would pile up with every wait.
    const wait = new AbortController()
    waiting = wait
    lease
      .waitForEntries({ signal: wait.signal })
      .then((topicArn) => {
        nextTopicArn = topicArn
      })
      .catch((error: unknown) => log.warn('wait.failed', { partition }, error))
      .finally(() => {
        waiting = undefined
        wake()
      })
  }

  function begin(
    claimed: readonly ClaimedEntry[],
    { pending, ahead }: { pending: boolean; ahead?: Ahead | undefined },
  ): void {
    for (const { streamId } of claimed) inFlight.add(streamId)
    void processBatch(claimed, pending, ahead)
  }

  function leave(streamId: string): void {
    inFlight.delete(streamId)
    leftMeanwhile?.add(streamId)
    budget.release(1)
    if (inFlight.size === 0) drained()
  }

  /** Decodes and verifies, looks up the topics of all of them at once, then lets each go its way. */
  async function processBatch(
    claimed: readonly ClaimedEntry[],
    pending: boolean,
    ahead: Ahead | undefined,
  ): Promise<void> {
    const verified: { claimed: ClaimedEntry; entry: Entry }[] = []
    const topicArns = new Set<string>()
    for (const one of claimed) {
      try {
        const entry = decodeEntry(one.fields, o.recordMac)
        verified.push({ claimed: one, entry })
        topicArns.add(entry.topicArn)
      } catch (error) {
        void finish(one, apply(one, undefined, decideError(error)))
      }
    }
    if (verified.length === 0) return
    let topics: ReadonlyMap<string, TopicState>
    try {
      topics = await o.topics.resolve([...topicArns], ahead)
    } catch (error) {
      log.warn('topics.read-failed', { partition, entries: verified.length }, error)
      for (const one of verified) leave(one.claimed.streamId)
      nextReadingAt = 0
      wake()
      return
    }
    for (const one of verified) {
      const topic = topics.get(one.entry.topicArn) ?? { kind: 'unknown' }
      void finish(one.claimed, deliver(one.claimed, one.entry, topic, pending))
    }
  }

  async function deliver(claimed: ClaimedEntry, entry: Entry, topic: TopicState, pending: boolean): Promise<void> {
    if (pending && !held.has(claimed.streamId) && (await handOver.isOver(entry, topic))) {
      return settler.settle(claimed.streamId)
    }
    if (gone.aborted) return
    const decision = await o.handleEntry(entry, topic, { hasBacklog: backlogs.has, gone })
    // Nearly always this, on the shortest way.
    if (decision.kind === 'settle' && held.size === 0) await settler.settle(claimed.streamId)
    else await apply(claimed, entry, decision)
  }

  async function apply(claimed: ClaimedEntry, entry: Entry | undefined, decision: EntryDecision): Promise<void> {
    if (decision.kind !== 'hold' && decision.kind !== 'hold-for-key') held.delete(claimed.streamId)
    switch (decision.kind) {
      case 'settle':
        return settler.settle(claimed.streamId)
      case 'hand-off': {
        if (entry === undefined) return
        await handOver.run(claimed, entry, decision.later)
        return settler.settle(claimed.streamId)
      }
      case 'quarantine':
        metrics.entryQuarantined(decision.reason)
        log.alarm('entry.quarantined', { partition, streamId: claimed.streamId, reason: decision.reason })
        return keepTrying(() => lease.quarantine(claimed, decision.reason), gone)
      case 'hold-for-key':
        if (await heldKeys.hold(decision.keyArn, claimed.streamId, decision.reason)) return
        return hold(claimed, entry, decision.reason)
      case 'hold':
        return hold(claimed, entry, decision.reason)
      case 'abandon':
        return
    }
  }

  /** Said once an entry, however often it is read again. */
  function hold({ streamId }: ClaimedEntry, entry: Entry | undefined, reason: string): void {
    if (held.has(streamId) || held.size >= MAX_HELD_REMEMBERED) return
    held.add(streamId)
    metrics.entryHeld(reason)
    log.warn('entry.held', { partition, streamId, messageId: entry?.messageId, topicArn: entry?.topicArn, reason })
  }

  /** Whatever happens to an entry, its place is given back; one that is not settled is read again. */
  async function finish({ streamId }: ClaimedEntry, work: Promise<void>): Promise<void> {
    try {
      await work
    } catch (error) {
      if (error instanceof LeaseLostError) o.onLeaseLost()
      else if (!gone.aborted) reportFailure(o, 'entry.failed', { partition, streamId }, error)
    } finally {
      leave(streamId)
    }
  }

  async function nothingInFlight(): Promise<void> {
    if (inFlight.size === 0 || gone.aborted) return
    await new Promise<void>((resolve) => {
      drained = resolve
      gone.addEventListener('abort', () => resolve(), { once: true })
    })
  }
}
