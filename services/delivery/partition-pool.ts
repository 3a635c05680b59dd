/**
 * The partitions of this worker: takes its share of them, gives back what became another's, and takes over what
 * nobody else holds.
 *
 * Two things go on side by side. The roll call tells who is alive, a few times a second; each change of that list
 * makes a new assignment (partition-shares.ts). The rounds look at the leases of partitions this worker has not, take
 * those that are free and its own, and release those that are not its own any more: quickly while something of its
 * own is missing, once a second while others hold their shares, not at all while it holds everything.
 *
 * What decides is always the lease. A list of workers that is wrong, late or invented costs moves and pauses, never
 * two workers on one partition.
 */

import type { Clock } from '#shared/clock'
import type { Log } from '#shared/log'
import type { PartitionRetries } from '#shared/retry-schedule'
import type { PartitionLease } from '#shared/stream-log'
import { ACQUIRE_PAUSE_MS, LOOK_PAUSE_MS, QUICK_ROUNDS } from './limits.ts'
import type { DeliveryMetrics } from './metrics.ts'
import { type OwnedPartition, ownPartition, type PartitionWork } from './own-partition.ts'
import { createPartitionShares, type TakeReason } from './partition-shares.ts'
import { isTampering, reportFailure } from './report-failure.ts'
import { type RollCallMembership, rollCallTimes, startRollCall } from './roll-call.ts'

export interface PartitionPool {
  /** Resolves once every partition that was free and this worker's has been taken. */
  readonly ready: Promise<void>
  /** Partitions whose lease this worker holds now. */
  owned(): readonly number[]
  /** Leaves the others its partitions: stops claiming, waits for what is in flight up to `deadlineMs`, releases every lease. */
  stop(deadlineMs: number): Promise<void>
}

/**
 * @param acquire undefined when somebody else holds the lease
 * @param leaseLives what is left of each partition's lease in ms; undefined when it can be taken
 * @param runLoop resolves when stopped and nothing is in flight, or at once when gone
 * @param openRetries starts running the partition's due retries
 * @param random 0 up to 1
 */
export function startPartitionPool(o: {
  partitions: number
  leaseMs: number
  membership: RollCallMembership
  acquire: (partition: number) => Promise<PartitionLease | undefined>
  leaseLives: (partitions: readonly number[]) => Promise<ReadonlyMap<number, number | undefined>>
  runLoop: (work: PartitionWork & { retries: PartitionRetries }) => Promise<void>
  openRetries: (work: PartitionWork) => PartitionRetries
  random: () => number
  clock: Clock
  log: Log
  metrics: DeliveryMetrics
}): PartitionPool {
  const { partitions, clock, log, metrics } = o
  const owned = new Map<number, OwnedPartition>()
  const shares = createPartitionShares({
    partitions,
    self: o.membership.id,
    graceMs: Math.max(o.leaseMs, LOOK_PAUSE_MS),
    random: o.random,
  })
  /** Partitions that failed a moment ago: taken again at once they would fail again at once. */
  const resting = new Set<number>()
  /** Partitions that cannot be taken because of what lies under their keys: said once, however long it lies there. */
  const spoilt = new Set<number>()
  let stopping = false
  let quickRounds = 0
  /** Something changed since the last round began. */
  let isDue = false
  let endPause = (): void => undefined

  const rollCall = startRollCall({
    membership: o.membership,
    pauseMs: rollCallTimes(o.leaseMs).pauseMs,
    onMembers(members) {
      log.info('members.changed', { members: members.length })
      metrics.workersAlive(members.length)
      shares.setMembers(members)
      beQuick()
    },
    log,
  })

  const beQuick = () => {
    quickRounds = QUICK_ROUNDS
    isDue = true
    endPause()
  }
  const rest = (partition: number) => {
    resting.add(partition)
    setTimeout(() => resting.delete(partition), LOOK_PAUSE_MS).unref()
  }
  const report = (partition: number, error: unknown) =>
    reportFailure({ log, metrics }, 'partition.failed', { partition }, error)

  const own = (lease: PartitionLease): void => {
    const { partition } = lease
    const one = ownPartition(lease, {
      ...o,
      onFailure(error) {
        report(partition, error)
        rest(partition)
      },
    })
    owned.set(partition, one)
    metrics.partitionTaken(partition)
    void one.ended.finally(() => {
      owned.delete(partition)
      metrics.partitionLeft(partition)
      beQuick()
    })
    if (stopping) one.release()
  }

  const take = async (partition: number, reason: TakeReason): Promise<void> => {
    try {
      const lease = await o.acquire(partition)
      spoilt.delete(partition)
      if (lease === undefined) return
      shares.taken(partition, reason, clock.now())
      if (reason !== 'assigned') {
        metrics.partitionTakenOver(reason)
        log.warn('partition.taken-over', { partition, reason })
      }
      own(lease)
    } catch (error) {
      if (!isTampering(error)) throw error
      rest(partition)
      if (!spoilt.has(partition)) report(partition, error)
      spoilt.add(partition)
    }
  }

  const round = async (): Promise<void> => {
    isDue = false
    for (const partition of shares.toRelease(new Set(owned.keys()), clock.now())) owned.get(partition)?.release()
    const others = range(partitions).filter((partition) => !owned.has(partition) && !resting.has(partition))
    if (others.length === 0) return
    const lives = await o.leaseLives(others)
    if (stopping) return
    const taken = await Promise.allSettled(
      shares.toTake(lives, clock.now()).map(({ partition, reason }) => take(partition, reason)),
    )
    const failure = taken.find((one) => one.status === 'rejected')
    if (failure !== undefined) throw failure.reason
  }

  const guardedRound = () => round().catch((error: unknown) => log.warn('lease.acquire-failed', {}, error))

  const pause = async (): Promise<void> => {
    if (isDue || stopping) return
    const isMissing = shares.missing(new Set(owned.keys())).length > 0
    const ms = isMissing && quickRounds-- > 0 ? ACQUIRE_PAUSE_MS : LOOK_PAUSE_MS
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  const ready = rollCall.ready.then(guardedRound)
  const rounds = ready.then(async () => {
    while (!stopping) {
      await pause()
      if (!stopping) await guardedRound()
    }
  })

  return {
    ready,
    owned: () => [...owned.keys()],
    async stop(deadlineMs) {
      stopping = true
      // Said before draining, so that others stand by for what comes free.
      const left = rollCall.leave()
      endPause()
      for (const one of owned.values()) one.release()
      const timer = setTimeout(() => {
        for (const one of owned.values()) one.abandon()
      }, deadlineMs)
      await rounds
      await Promise.all([...owned.values()].map(({ ended }) => ended))
      clearTimeout(timer)
      await left
    },
  }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at)
}
