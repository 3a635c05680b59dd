/**
 * One partition while this worker has it: its lease is renewed, its loop and its retries run.
 *
 * owned → released (stops claiming, drains, gives the lease back), or lost. A lease is lost when renewing says so, when
 * a fenced script was refused, or when no renewal got through for as long as it lasts: somebody else may then have
 * it. What is lost is stopped at once.
 */

import type { Clock } from '#shared/clock'
import type { Log } from '#shared/log'
import type { PartitionRetries } from '#shared/retry-schedule'
import type { PartitionLease } from '#shared/stream-log'
import { createHeldReferences, type HeldReferences } from './held/held-references.ts'
import type { DeliveryMetrics } from './metrics.ts'

export interface PartitionWork {
  lease: PartitionLease
  stopping: AbortSignal
  gone: AbortSignal
  onLeaseLost: () => void
  heldReferences: HeldReferences
}

export interface OwnedPartition {
  /** Resolves when everything of it has ended and the lease was given back or is somebody else's. */
  readonly ended: Promise<void>
  /** Stops claiming, waits for what is in flight, gives the lease back. */
  release(): void
  /** Waits for nothing more. */
  abandon(): void
}

/**
 * @param runLoop resolves when stopped and nothing is in flight, or at once when gone
 * @param openRetries starts running the partition's due retries
 * @param onFailure told of what ended the loop against its will
 */
export function ownPartition(
  lease: PartitionLease,
  {
    leaseMs,
    runLoop,
    openRetries,
    onFailure,
    clock,
    log,
    metrics,
  }: {
    leaseMs: number
    runLoop: (work: PartitionWork & { retries: PartitionRetries }) => Promise<void>
    openRetries: (work: PartitionWork) => PartitionRetries
    onFailure: (error: unknown) => void
    clock: Clock
    log: Log
    metrics: Pick<DeliveryMetrics, 'leaseLost'>
  },
): OwnedPartition {
  const { partition } = lease
  const stopping = new AbortController()
  const gone = new AbortController()
  const onLeaseLost = () => {
    if (gone.signal.aborted) return
    metrics.leaseLost()
    log.warn('lease.lost', { partition })
    gone.abort()
  }

  const run = async (): Promise<void> => {
    const heldReferences = createHeldReferences(lease)
    const work = { lease, stopping: stopping.signal, gone: gone.signal, onLeaseLost, heldReferences }
    const stopRenewing = keepRenewing(lease, { leaseMs, clock, log, onLeaseLost })
    const retries = openRetries(work)
    const warn = (error: unknown) => log.warn('retries.close-failed', { partition }, error)
    const abandoned = new Promise<void>((resolve) => {
      gone.signal.addEventListener('abort', () => resolve(retries.abandon().catch(warn)), { once: true })
    })
    // Retries stop being begun together with claims, not after the last entry.
    stopping.signal.addEventListener('abort', () => void retries.stop().catch(warn), { once: true })
    try {
      await runLoop({ ...work, retries })
      // Closing waits for the running retries; losing the lease or running out of time does not.
      await (gone.signal.aborted ? abandoned : Promise.race([retries.close(), abandoned]))
    } catch (error) {
      onFailure(error)
      gone.abort()
    } finally {
      stopRenewing()
      await lease.release().catch((error: unknown) => log.warn('lease.release-failed', { partition }, error))
    }
  }

  return { ended: run(), release: () => stopping.abort(), abandon: () => gone.abort() }
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
