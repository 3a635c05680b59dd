/**
 * Why a request is not authenticated. Texts are AWS's own where callers may match on them, but for
 * two things that AWS appends and this project never repeats: the Authorization header, and the
 * canonical request with the string to sign.
 */

import { BrokerError } from '#shared/errors'

/** Nothing in the request is a signature, and the action needs one. */
export class MissingAuthenticationTokenError extends BrokerError {
  override readonly code = 'MISSING_AUTHENTICATION_TOKEN'
  override readonly fault = 'sender'
  override readonly retryable = false

  constructor() {
    super('Request is missing Authentication Token')
  }
}

/** There is a signature, but a part is missing, malformed or there twice. */
export class IncompleteSignatureError extends BrokerError {
  override readonly code = 'INCOMPLETE_SIGNATURE'
  override readonly fault = 'sender'
  override readonly retryable = false
}

/** The access key is unknown, or a session token came with it that nobody here issued. */
export class InvalidClientTokenIdError extends BrokerError {
  override readonly code = 'INVALID_CLIENT_TOKEN_ID'
  override readonly fault = 'sender'
  override readonly retryable = false

  constructor() {
    super('The security token included in the request is invalid')
  }
}

/** Outside the time window, scoped to something else, or simply not the signature of this request. */
export class SignatureDoesNotMatchError extends BrokerError {
  override readonly code = 'SIGNATURE_DOES_NOT_MATCH'
  override readonly fault = 'sender'
  override readonly retryable = false

  constructor(
    message = 'The request signature we calculated does not match the signature you provided. ' +
      'Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
  ) {
    super(message)
  }
}

/** A presigned request outlived its `X-Amz-Expires`. */
export class RequestExpiredError extends BrokerError {
  override readonly code = 'REQUEST_EXPIRED'
  override readonly fault = 'sender'
  override readonly retryable = false

  constructor() {
    super('Request has expired.')
  }
}
