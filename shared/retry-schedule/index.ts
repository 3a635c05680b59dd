export { applyJitter, JITTER_SHARE } from './apply-jitter.ts'
export { countWaitingRetries } from './count-waiting.ts'
export { RetryScheduleSpoiltError, RetryScheduleUnavailableError } from './errors.ts'
export {
  createRetrySchedule,
  type DueRetry,
  type PartitionRetries,
  type RetryReference,
  type RetrySchedule,
  type RetryVerdict,
} from './retry-schedule.ts'
