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

/** A job or a key of the schedule is as only somebody else can have written it. Nothing was recorded. */
export class RetryScheduleSpoiltError extends BrokerError {
  override readonly code = 'RETRY_SCHEDULE_SPOILT'
  override readonly fault = 'receiver'
  override readonly retryable = false
}
