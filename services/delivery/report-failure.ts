/**
 * Writes a failure's line. What only somebody else's writing to Redis can have caused is an alarm, and
 * counted: a key of a type that we never gave it, or a stream whose consumer group is gone.
 */

import { BrokerError } from '#shared/errors'
import type { Fields, Log } from '#shared/log'
import type { DeliveryMetrics } from './metrics.ts'

export function reportFailure(
  { log, metrics }: { log: Log; metrics: DeliveryMetrics },
  event: string,
  fields: Fields,
  error: unknown,
): void {
  if (isTampering(error)) {
    metrics.recordForged('partition')
    log.alarm(event, fields, error)
  } else {
    log.error(event, fields, error)
  }
}

const TELLING_CODES: ReadonlySet<string> = new Set(['REDIS_FOREIGN_DATA', 'RETRY_SCHEDULE_SPOILT'])

export function isTampering(error: unknown): boolean {
  return error instanceof BrokerError && TELLING_CODES.has(error.code)
}
