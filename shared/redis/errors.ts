/**
 * What can go wrong between us and Redis, by what it means for data.
 *
 * None of these keeps the driver's error as `cause`: ioredis attaches the command with its arguments,
 * which are message bodies and, for AUTH, passwords.
 */

import { BrokerError } from '#shared/errors'

/** Nothing was sent, or only a read was and its reply did not come: no data changed. */
export class RedisUnavailableError extends BrokerError {
  override readonly code = 'REDIS_UNAVAILABLE'
  override readonly fault = 'receiver'
  override readonly retryable = true

  constructor(reason: string) {
    super(`Cannot use Redis: ${reason}`)
  }
}

/** A write was sent and its reply did not come, so it may have happened or not. */
export class RedisOutcomeUnknownError extends BrokerError {
  override readonly code = 'REDIS_OUTCOME_UNKNOWN'
  override readonly fault = 'receiver'
  override readonly retryable = true

  constructor(reason: string) {
    super(`Cannot tell whether Redis stored the data, it may have been stored: ${reason}`)
  }
}

/** Stored by the server that was asked, and not on as many replicas as required in time: a fail-over may lose it. */
export class RedisUnderReplicatedError extends BrokerError {
  override readonly code = 'REDIS_UNDER_REPLICATED'
  override readonly fault = 'receiver'
  override readonly retryable = true

  constructor({ required, answered }: { required: number; answered: number }) {
    super(`Cannot tell that the data survives a fail-over: ${answered} of ${required} replicas have it`)
  }
}

/** Redis answered that it does not do this now (full, read-only, loading, …): nothing was stored. */
export class RedisRefusedError extends BrokerError {
  override readonly code = 'REDIS_REFUSED'
  override readonly fault = 'receiver'
  override readonly retryable = true
  /** First word of Redis's answer, e.g. `OOM`. */
  readonly replyCode: string

  constructor(replyCode: string) {
    super(`Cannot store in Redis: it refused with ${replyCode}`)
    this.replyCode = replyCode
  }
}

/**
 * A key is not as any of us ever left it: it holds another type of value, or is a stream whose consumer
 * group is gone. Somebody else writes to this Redis: whoever meets it raises an alarm, as with a record
 * whose MAC does not fit.
 */
export class RedisForeignDataError extends BrokerError {
  override readonly code = 'REDIS_FOREIGN_DATA'
  override readonly fault = 'receiver'
  override readonly retryable = false
  /** First word of Redis's answer: `WRONGTYPE` or `NOGROUP`. */
  readonly replyCode: string

  constructor(replyCode: string) {
    super(`Cannot use a key in Redis: it is not as it was left, the answer is ${replyCode}`)
    this.replyCode = replyCode
  }
}

/** Redis answered with another error: a fault of ours in a command or a script. */
export class RedisReplyError extends BrokerError {
  override readonly code = 'REDIS_REPLY_ERROR'
  override readonly fault = 'receiver'
  override readonly retryable = false
  /** First word of Redis's answer, e.g. `CROSSSLOT`, `ERR`. */
  readonly replyCode: string

  constructor(replyCode: string, text: string) {
    super(`Cannot run a Redis command: ${text}`)
    this.replyCode = replyCode
  }
}

/** Redis does not accept the user name or password of the URL, or wants one where there is none. */
export class RedisAuthenticationError extends BrokerError {
  override readonly code = 'REDIS_AUTHENTICATION_FAILED'
  override readonly fault = 'receiver'
  override readonly retryable = false

  constructor(replyCode: string) {
    super(`Cannot sign in to Redis with the URL's user and password: it answered ${replyCode}`)
  }
}

/** The URL is none that names a Redis server. The URL is not shown: it may hold a password. */
export class RedisUrlError extends BrokerError {
  override readonly code = 'REDIS_URL_INVALID'
  override readonly fault = 'receiver'
  override readonly retryable = false

  constructor(reason: string) {
    super(`Cannot read the Redis URL: ${reason}; it must be redis[s]://[user[:password]@]host[:port][/database]`)
  }
}
