import { BrokerError } from '#shared/errors'

/** No process answered: there is nothing to show a frame of. */
export class NothingToShowError extends BrokerError {
  override readonly code = 'TOP_NOTHING_TO_SHOW'
  override readonly fault = 'sender'
  override readonly retryable = true
}

/** An address of `--urls` or SEALCAST_METRICS_URLS is none. */
export class MetricsUrlError extends BrokerError {
  override readonly code = 'TOP_METRICS_URL'
  override readonly fault = 'sender'
  override readonly retryable = false
}
