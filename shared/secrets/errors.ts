import { BrokerError } from '#shared/errors'

/** A secret file is missing, may be read by others, or does not hold what it must. Names the file, never its content. */
export class SecretFileError extends BrokerError {
  override readonly code = 'SECRET_FILE_INVALID'
  override readonly fault = 'receiver'
  override readonly retryable = false
}
