/**
 * What a request can be refused for, one class a cause. `error-response.ts` maps the codes to SNS's.
 *
 * SNS clients match on the texts, so the caller gives each text whole. Texts name parameters and may repeat a short value
 * of the caller's own, never a message body, a signature or a token.
 */

import { BrokerError } from '#shared/errors'
import { echo } from './echo.ts'

/** Refusals are the caller's to fix, and the same request would be refused again. */
abstract class Refusal extends BrokerError {
  override readonly fault = 'sender'
  override readonly retryable = false
}

/** Query string or form body that cannot be decoded: percent-encoding, UTF-8, NUL, too many parameters. */
export class MalformedQueryStringError extends Refusal {
  override readonly code = 'MALFORMED_QUERY_STRING'

  constructor(reason: string) {
    super(`The query string contains a syntax error: ${reason}`)
  }
}

/** One parameter given twice: which of the two was meant is not for a server to guess. */
export class DuplicateParameterError extends Refusal {
  override readonly code = 'INVALID_QUERY_PARAMETER'

  constructor(name: string) {
    // Only what looks like one of SNS's own names is repeated: a body sent raw would be a "name" as well.
    const known = /^[A-Za-z][A-Za-z0-9.-]{0,99}$/.test(name) ? `: ${name}` : ''
    super(`A parameter was given more than once${known}`)
  }
}

/** Almost every validation error; the text starts with `Invalid parameter: ` wherever SNS's does. */
export class InvalidParameterError extends Refusal {
  override readonly code = 'INVALID_PARAMETER'
}

/** A message attribute breaks a rule. */
export class ParameterValueInvalidError extends Refusal {
  override readonly code = 'PARAMETER_VALUE_INVALID'
}

/** A required member is missing, in the words of SNS's framework: see `memberNotNull`. */
export class ValidationError extends Refusal {
  override readonly code = 'VALIDATION_ERROR'
}

/** A batch without entries. */
export class EmptyBatchRequestError extends Refusal {
  override readonly code = 'EMPTY_BATCH_REQUEST'

  constructor() {
    super("The batch request doesn't contain any entries.")
  }
}

/** A batch of more entries than one request may have. */
export class TooManyEntriesInBatchRequestError extends Refusal {
  override readonly code = 'TOO_MANY_ENTRIES_IN_BATCH_REQUEST'

  constructor() {
    super('The batch request contains more entries than permissible.')
  }
}

/** The id of an entry, by which its result is told from the others', is malformed. */
export class InvalidBatchEntryIdError extends Refusal {
  override readonly code = 'INVALID_BATCH_ENTRY_ID'

  constructor(verdict: 'is too long' | 'contains an impermissible character', id: string) {
    super(`The Id of a batch entry in the batch request ${verdict}: ${echo(id)}`)
  }
}

/** Two results could not be told apart. */
export class BatchEntryIdsNotDistinctError extends Refusal {
  override readonly code = 'BATCH_ENTRY_IDS_NOT_DISTINCT'

  constructor() {
    super('Two or more batch entries in the request have the same Id.')
  }
}

/** All messages of a batch together may be as long as one. */
export class BatchRequestTooLongError extends Refusal {
  override readonly code = 'BATCH_REQUEST_TOO_LONG'

  constructor() {
    super('The length of all the messages put together is more than the limit.')
  }
}

/** The topic or subscription does not exist. */
export class NotFoundError extends Refusal {
  override readonly code = 'NOT_FOUND'
}

/** The principal may not do this. */
export class AuthorizationError extends Refusal {
  override readonly code = 'AUTHORIZATION_ERROR'
}

/** An encrypted topic was called without TLS or without a signature. */
export class InvalidSecurityError extends Refusal {
  override readonly code = 'INVALID_SECURITY'
}

/** The action does not exist, or is not offered. */
export class InvalidActionError extends Refusal {
  override readonly code = 'INVALID_ACTION'
}

/** The request names no action. */
export class MissingActionError extends Refusal {
  override readonly code = 'MISSING_ACTION'

  constructor() {
    super('Missing Action')
  }
}

/**
 * The error for a required member that is absent.
 *
 * @param path in lower camel case, e.g. `messageAttributes.kind.member.dataType`
 */
export function memberNotNull(path: string): ValidationError {
  return new ValidationError(
    `1 validation error detected: Value null at '${path}' failed to satisfy constraint: Member must not be null`,
  )
}
