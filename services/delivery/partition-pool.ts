/**
 * The partitions of this worker: takes every lease that is free, keeps those it has, runs each while
 * it lasts.
 *
 * free → owned (loop and retries run) → released, or lost. A lease is lost when renewing says so, when
 * a fenced script was refused, or when no renewal got through for as long as it lasts: somebody else
 * may then have it. What is lost is stopped at once, and may be taken again.
 */

import type { Clock } from '#shared/clock'
import type { Log } from '#shared/log'
import type { PartitionRetries } from '#shared/retry-schedule'
import type { PartitionLease } from '#shared/stream-log'
import { ACQUIRE_PAUSE_MS } from './limits.ts'
import type { DeliveryMetrics } from './metrics.ts'
import { isTampering, reportFailure } from './report-failure.ts'

export interface PartitionWork {
  lease: PartitionLease
  stopping: AbortSignal
  gone: AbortSignal
  onLeaseLost: () => void
}

export interface PartitionPool {
  /** Resolves once every partition that was free has been taken. */
  readonly ready: Promise<void>
  /** Stops claiming, waits for what is in flight up to `deadlineMs`, releases every lease. */
  stop(deadlineMs: number): Promise<void>
}

/**
 * @param acquire undefined when somebody else holds the lease
 * @param runLoop resolves when stopped and nothing is in flight, or at once when gone
 * @param openRetries starts running the partition's due retries
 */
export function startPartitionPool({
  partitions,
  leaseMs,
  acquire,
  runLoop,
  openRetries,
  clock,
  log,
  metrics,
}: {
  partitions: number
  leaseMs: number
  acquire: (partition: number) => Promise<PartitionLease | undefined>
  runLoop: (work: PartitionWork & { retries: PartitionRetries }) => Promise<void>
  openRetries: (work: PartitionWork) => PartitionRetries
  clock: Clock
  log: Log
  metrics: DeliveryMetrics
}): PartitionPool {
  const stopping = new AbortController()
  const timeUp = new AbortController()
  const owned = new Map<number, Promise<void>>()
  let pauseOver = (): void => undefined

  const own = async (lease: PartitionLease): Promise<void> => {
    const { partition } = lease
    const gone = new AbortController()
    const onLeaseLost = () => {
      if (gone.signal.aborted) return
      metrics.leaseLost()
      log.warn('lease.lost', { partition })
      gone.abort()
    }
    const onTimeUp = () => gone.abort()
    timeUp.signal.addEventListener('abort', onTimeUp)
    const work = { lease, stopping: stopping.signal, gone: gone.signal, onLeaseLost }
    const stopRenewing = keepRenewing(lease, { leaseMs, clock, log, onLeaseLost })
    const retries = openRetries(work)
    const warn = (error: unknown) => log.warn('retries.close-failed', { partition }, error)
    const abandoned = new Promise<void>((resolve) => {
      gone.signal.addEventListener('abort', () => resolve(retries.abandon().catch(warn)), { once: true })
    })
    // Retries stop being begun together with claims, not after the last entry.
    const onStopping = () => void retries.stop().catch(warn)
    stopping.signal.addEventListener('abort', onStopping)
    if (stopping.signal.aborted) onStopping()
    try {
      await runLoop({ ...work, retries })
      // Closing waits for the running retries; losing the lease or running out of time does not.
      await (gone.signal.aborted ? abandoned : Promise.race([retries.close(), abandoned]))
    } catch (error) {
      report(partition, error)
      gone.abort()
    } finally {
      stopRenewing()
      timeUp.signal.removeEventListener('abort', onTimeUp)
      stopping.signal.removeEventListener('abort', onStopping)
      await lease.release().catch((error: unknown) => log.warn('lease.release-failed', { partition }, error))
    }
  }

  const report = (partition: number, error: unknown) =>
    reportFailure({ log, metrics }, 'partition.failed', { partition }, error)

  /** Partitions that cannot be taken because of what lies under their keys: said once, however long it lies there. */
  const spoilt = new Set<number>()
  const noteFailure = (partition: number, error: unknown): void => {
    if (isTampering(error) && !spoilt.has(partition)) {
      spoilt.add(partition)
      report(partition, error)
    }
  }

  const acquireFree = async (): Promise<void> => {
    const free = Array.from({ length: partitions }, (_, partition) => partition).filter((p) => !owned.has(p))
    let failure: unknown
    await Promise.all(
      free.map(async (partition) => {
        try {
          const lease = await acquire(partition)
          spoilt.delete(partition)
          if (lease === undefined) return
          const run = own(lease).finally(() => {
            owned.delete(partition)
            metrics.partitionsOwned(owned.size)
          })
          owned.set(partition, run)
        } catch (error) {
          noteFailure(partition, error)
          if (!spoilt.has(partition)) failure = error
        }
      }),
    )
    if (failure !== undefined) log.warn('lease.acquire-failed', {}, failure)
    metrics.partitionsOwned(owned.size)
  }

  const ready = acquireFree()
  const acquiring = ready.then(async () => {
    while (!stopping.signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ACQUIRE_PAUSE_MS)
        pauseOver = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      if (!stopping.signal.aborted && owned.size < partitions) await acquireFree()
    }
  })

  return {
    ready,
    async stop(deadlineMs) {
      stopping.abort()
      pauseOver()
      const timer = setTimeout(() => timeUp.abort(), deadlineMs)
      await acquiring
      await Promise.all(owned.values())
      clearTimeout(timer)
    },
  }
}

/**
 * Renews a third of the lease's time after the last renewal.
 *
 * @returns stops it
 */
function keepRenewing(
  lease: PartitionLease,
  { leaseMs, clock, log, onLeaseLost }: { leaseMs: number; clock: Clock; log: Log; onLeaseLost: () => void },
): () => void {
  let renewedAt = clock.now()
  let running = false
  const renew = async () => {
    // From before the call: the lease lasts from the moment Redis carried it out, which may be long before its answer.
    const startedAt = clock.now()
    try {
      if (await lease.renew()) renewedAt = startedAt
      else onLeaseLost()
    } catch (error) {
      log.warn('lease.renew-failed', { partition: lease.partition }, error)
      if (clock.now() - renewedAt >= leaseMs) onLeaseLost()
    }
  }
  const timer = setInterval(() => {
    if (running) return
    running = true
    void renew().finally(() => {
      running = false
    })
  }, leaseMs / 3)
  return () => clearInterval(timer)
}
