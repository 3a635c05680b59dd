import { BrokerError } from '#shared/errors'

/**
 * No data key could be had in time although KMS refused nothing: another gateway holds the lock and
 * stores no key, keys expire faster than KMS answers, or as many as may wait for one already. Nothing was sealed.
 */
export class DataKeyUnavailableError extends BrokerError {
  override readonly code = 'DATA_KEY_UNAVAILABLE'
  override readonly fault = 'receiver'
  override readonly retryable = true
}
