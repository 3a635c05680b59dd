import { BrokerError } from '#shared/errors'

/** One or more settings are missing or out of range. Names every bad one, so that one restart is enough. */
export class ConfigError extends BrokerError {
  override readonly code = 'CONFIG_INVALID'
  override readonly fault = 'receiver'
  override readonly retryable = false
}

/** A document (principals file, key store) has not the shape it must have. Names places, never values. */
export class DocumentError extends BrokerError {
  override readonly code = 'DOCUMENT_INVALID'
  override readonly fault = 'receiver'
  override readonly retryable = false
}
