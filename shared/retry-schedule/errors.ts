import { BrokerError } from '#shared/errors'

/**
 * A retry could not be recorded before its deadline, usually because Redis is gone. It may still be
 * recorded later: scheduling the same retry again is harmless.
 */
export class RetryScheduleUnavailableError extends BrokerError {
  override readonly code = 'RETRY_SCHEDULE_UNAVAILABLE'
  override readonly fault = 'receiver'
  override readonly retryable = true
}
