/**
 * The one table from errors to KMS's answers: code → KMS's name and HTTP status.
 *
 * Whatever the table does not list is an internal failure and reveals nothing. Only three of KMS's
 * errors have the status 500, all else 400: clients retry by status.
 */

import { BrokerError } from '#shared/errors'

interface ErrorResponse {
  readonly status: number
  /** KMS's name of the error; also the `outcome` of metrics and logs. */
  readonly name: string
  readonly body: Readonly<Record<string, string>>
}

interface Row {
  readonly name: string
  readonly status: number
  /** Real KMS sends no text with this error. */
  readonly silent?: boolean
}

const refused = (name: string): Row => ({ name, status: 400 })

const TABLE: ReadonlyMap<string, Row> = new Map<string, Row>([
  ['UNKNOWN_OPERATION', refused('UnknownOperationException')],
  ['UNSUPPORTED_OPERATION', refused('UnsupportedOperationException')],
  ['SERIALIZATION', refused('SerializationException')],
  ['REQUEST_TOO_LARGE', { name: 'RequestEntityTooLargeException', status: 413 }],
  ['VALIDATION', refused('ValidationException')],
  ['MISSING_AUTHENTICATION_TOKEN', refused('MissingAuthenticationTokenException')],
  ['INCOMPLETE_SIGNATURE', refused('IncompleteSignatureException')],
  ['INVALID_CLIENT_TOKEN_ID', refused('UnrecognizedClientException')],
  ['EXPIRED_TOKEN', refused('ExpiredTokenException')],
  ['UNRECOGNIZED_CLIENT', refused('UnrecognizedClientException')],
  ['SIGNATURE_DOES_NOT_MATCH', refused('InvalidSignatureException')],
  ['REQUEST_EXPIRED', refused('InvalidSignatureException')],
  ['ACCESS_DENIED', refused('AccessDeniedException')],
  ['MALFORMED_POLICY_DOCUMENT', refused('MalformedPolicyDocumentException')],
  ['NOT_FOUND', refused('NotFoundException')],
  ['ALREADY_EXISTS', refused('AlreadyExistsException')],
  ['NOT_AUTHORIZED', { name: 'NotAuthorizedException', status: 400, silent: true }],
  ['LIMIT_EXCEEDED', refused('LimitExceededException')],
  ['ROTATION_CONFLICT', refused('ConflictException')],
  ['TAG', refused('TagException')],
  ['INVALID_MARKER', refused('InvalidMarkerException')],
  ['INVALID_ARN', refused('InvalidArnException')],
  ['INVALID_GRANT_TOKEN', refused('InvalidGrantTokenException')],
  ['INVALID_GRANT_ID', refused('InvalidGrantIdException')],
  ['KEY_DISABLED', refused('DisabledException')],
  ['KEY_STATE_INVALID', refused('KMSInvalidStateException')],
  ['INVALID_CIPHERTEXT', { name: 'InvalidCiphertextException', status: 400, silent: true }],
  ['INCORRECT_KEY', refused('IncorrectKeyException')],
  ['KEY_UNAVAILABLE', { name: 'KeyUnavailableException', status: 500 }],
  ['DRY_RUN', refused('DryRunOperationException')],
])

const INTERNAL: ErrorResponse = {
  status: 500,
  name: 'KMSInternalException',
  body: { __type: 'KMSInternalException', message: 'The request could not be completed because of an internal error.' },
}

export function errorResponseOf(error: unknown): ErrorResponse {
  const row = error instanceof BrokerError ? TABLE.get(error.code) : undefined
  if (row === undefined || !(error instanceof BrokerError)) return INTERNAL
  const { name, status } = row
  if (row.silent) return { status, name, body: { __type: name } }
  // AccessDenied comes from AWS's shared authorization layer, which writes the member with a capital.
  const member = name === 'AccessDeniedException' ? 'Message' : 'message'
  return { status, name, body: { __type: name, [member]: error.message } }
}
