import { BrokerError } from '#shared/errors'

/** Another `up` runs on this data directory. */
export class AlreadyRunningError extends BrokerError {
  override readonly code = 'UP_ALREADY_RUNNING'
  override readonly fault = 'sender'
  override readonly retryable = false
}

/** A port is taken, or may not be listened on. */
export class PortUnavailableError extends BrokerError {
  override readonly code = 'UP_PORT_UNAVAILABLE'
  override readonly fault = 'sender'
  override readonly retryable = false
}

/** The data directory, or a folder in it, cannot be made or written. */
export class DataDirectoryError extends BrokerError {
  override readonly code = 'UP_DATA_DIRECTORY_UNUSABLE'
  override readonly fault = 'sender'
  override readonly retryable = false
}

/** The Redis of SEALCAST_REDIS_URL does not answer, or not as it must. */
export class RedisUnusableError extends BrokerError {
  override readonly code = 'UP_REDIS_UNUSABLE'
  override readonly fault = 'sender'
  override readonly retryable = false
}

/** A process ended, or gave no sign of being ready, at its first start. */
export class StartFailedError extends BrokerError {
  override readonly code = 'UP_START_FAILED'
  override readonly fault = 'receiver'
  override readonly retryable = false
}
