/**
 * The number of partitions in force: asked for at the start, looked after while the gateway runs.
 *
 * A gateway that appended by another number than the workers read by would lose messages in streams that
 * nobody looks at. Where the record does not verify it does not start; where another process has another
 * number, that is an alarm.
 */

import { BrokerError } from '#shared/errors'
import type { Log } from '#shared/log'
import type { RecordMac } from '#shared/record-mac'
import type { Redis } from '#shared/redis'
import { openMeta, watchMeta } from '#shared/stream-log'

/**
 * @param configured used at the first start ever
 * @param onForged the record failed its check
 * @throws as `openMeta`
 */
export async function openPartitions({
  redis,
  recordMac,
  configured,
  log,
  onForged,
}: {
  redis: Redis
  recordMac: RecordMac
  configured: number
  log: Log
  onForged: () => void
}): Promise<Disposable & { partitions: number }> {
  const { partitions } = await openMeta({ redis, recordMac, partitions: configured }).catch((error: unknown) => {
    if (error instanceof BrokerError && !error.retryable) {
      log.alarm('meta.refused', { configured }, error)
      // The process is about to end of it.
      log.flush()
    }
    throw error
  })
  if (partitions !== configured) log.warn('partitions.fixed', { configured, inForce: partitions })
  const watch = watchMeta({
    redis,
    recordMac,
    partitions,
    onForged,
    onDisagreement: (stored) => log.alarm('partitions.disagree', { inForce: partitions, stored }),
  })
  return { partitions, [Symbol.dispose]: () => watch[Symbol.dispose]() }
}
