/**
 * Writes a failure's line. What only somebody else's writing to Redis can have caused is an alarm, and
 * counted: a key of a type that we never gave it, or a stream whose consumer group is gone.
 */

import type { Fields, Log } from '#shared/log'
import { RedisReplyError } from '#shared/redis'
import { RetryScheduleSpoiltError } from '#shared/retry-schedule'
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

const TELLING_REPLIES: ReadonlySet<string> = new Set(['WRONGTYPE', 'NOGROUP'])

export function isTampering(error: unknown): boolean {
  if (error instanceof RetryScheduleSpoiltError) return true
  return error instanceof RedisReplyError && TELLING_REPLIES.has(error.replyCode)
}
