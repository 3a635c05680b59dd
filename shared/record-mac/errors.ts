import { BrokerError } from '#shared/errors'

/**
 * A stored record does not carry the MAC it must have: altered, moved, made by somebody else, or
 * authenticated by a secret we do not hold. One error for all of them, naming the kind and nothing
 * else: the record's content is an attacker's and must not reach a log.
 */
export class RecordForgedError extends BrokerError {
  override readonly code = 'RECORD_FORGED'
  override readonly fault = 'receiver'
  override readonly retryable = false
}

/** A ring of secrets cannot be used: no current secret, or an id that is not 8 lower-case hex digits. */
export class SecretRingError extends BrokerError {
  override readonly code = 'SECRET_RING_INVALID'
  override readonly fault = 'receiver'
  override readonly retryable = false
}
