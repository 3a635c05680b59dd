import { BrokerError } from '#shared/errors'

/** What is wrong with the bytes, before any key is involved. */
export type FormatFault = 'too short' | 'bad magic' | 'unknown version' | 'unknown suite'

/** The bytes are no envelope that this version knows. They are public, so the fault may be named. */
export class EnvelopeFormatError extends BrokerError {
  override readonly code = 'ENVELOPE_MALFORMED'
  override readonly fault = 'receiver'
  override readonly retryable = false
  readonly formatFault: FormatFault

  constructor(formatFault: FormatFault) {
    super(`Cannot read an envelope: ${formatFault}`)
    this.formatFault = formatFault
  }
}

/**
 * The envelope did not authenticate: wrong data key, wrong context or altered bytes. One error
 * without a cause for all three on purpose, so that no caller becomes an oracle.
 */
export class EnvelopeAuthenticationError extends BrokerError {
  override readonly code = 'ENVELOPE_AUTHENTICATION_FAILED'
  override readonly fault = 'receiver'
  override readonly retryable = false

  constructor() {
    super('Cannot open an envelope: it does not authenticate')
  }
}

/** A data key or its id has not the length it must have. */
export class DataKeyFormatError extends BrokerError {
  override readonly code = 'DATA_KEY_MALFORMED'
  override readonly fault = 'receiver'
  override readonly retryable = false
}
