/** Why temporary credentials are refused. Texts are AWS's own; none repeats a token or a secret. */

import { BrokerError } from '#shared/errors'

/**
 * The token is none of ours, was altered, belongs to another access key, or its role is gone. One error for
 * all of them, so that nobody learns from it how far a forgery came.
 */
export class SessionTokenInvalidError extends BrokerError {
  override readonly code = 'INVALID_CLIENT_TOKEN_ID'
  override readonly fault = 'sender'
  override readonly retryable = false

  constructor() {
    super('The security token included in the request is invalid')
  }
}

/** The session has ended. */
export class SessionExpiredError extends BrokerError {
  override readonly code = 'EXPIRED_TOKEN'
  override readonly fault = 'sender'
  override readonly retryable = false

  constructor() {
    super('The security token included in the request is expired')
  }
}
