/** Waits for Redis at the start: services of a stack come up in any order. */

import { setTimeout as delay } from 'node:timers/promises'
import { BrokerError } from '#shared/errors'
import type { Log } from '#shared/log'
import type { RecordMac } from '#shared/record-mac'
import { type Redis, whenReady } from '#shared/redis'
import { openMeta } from '#shared/stream-log'
import { REDIS_PAUSE_MS } from './limits.ts'

/**
 * @param partitions for the first start; afterwards the stored number is in force
 * @returns undefined when `signal` aborted first
 * @throws what waiting cannot mend: refused credentials, another schema, a forged record
 */
export async function waitForMeta({
  redis,
  recordMac,
  partitions,
  signal,
  log,
}: {
  redis: Redis
  recordMac: RecordMac
  partitions: number
  signal: AbortSignal
  log: Log
}): Promise<{ partitions: number } | undefined> {
  while (!signal.aborted) {
    try {
      await whenReady(redis, signal)
      const meta = await openMeta({ redis, recordMac, partitions })
      if (meta.partitions !== partitions) {
        log.warn('partitions.fixed', { configured: partitions, inForce: meta.partitions })
      }
      return meta
    } catch (error) {
      if (signal.aborted) return undefined
      if (!(error instanceof BrokerError && error.retryable)) {
        log.alarm('meta.refused', { configured: partitions }, error)
        // The process is about to end of it.
        log.flush()
        throw error
      }
      log.warn('redis.not-ready', {}, error)
      await delay(REDIS_PAUSE_MS.longest, undefined, { signal }).catch(() => undefined)
    }
  }
  return undefined
}
