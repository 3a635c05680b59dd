/**
 * The one table from this project's error codes to SNS's codes and HTTP statuses.
 *
 * A listed refusal passes its text on, since SNS clients match on it. What is ours to fix gets a fixed text, and so does
 * every error that is not listed: its own might name hosts, keys or commands. SNS API reference, "Common errors" and the
 * errors of each action.
 */

import { BrokerError, type Fault } from '#shared/errors'

export interface WireError {
  status: number
  code: string
  message: string
  fault: Fault
}

/** What the caller is told about any thrown value. */
export function wireErrorOf(error: unknown): WireError {
  const row = error instanceof BrokerError ? TABLE.get(error.code) : undefined
  if (row === undefined || !(error instanceof BrokerError)) return answer(500, 'InternalError', UNKNOWN_FAILURE)
  return answer(row.status, row.code, row.text ?? error.message)
}

function answer(status: number, code: string, message: string): WireError {
  return { status, code, message, fault: status < 500 ? 'sender' : 'receiver' }
}

const UNKNOWN_FAILURE = 'The request could not be processed because of an internal failure.'

interface Row {
  status: number
  code: string
  /** Replaces the error's own message. */
  text?: string
}

const TABLE: ReadonlyMap<string, Row> = new Map<string, Row>([
  // Before an action is known
  ['MALFORMED_QUERY_STRING', { status: 404, code: 'MalformedQueryString' }],
  ['INVALID_QUERY_PARAMETER', { status: 400, code: 'InvalidQueryParameter' }],
  ['MISSING_ACTION', { status: 400, code: 'MissingAction' }],
  ['INVALID_ACTION', { status: 400, code: 'InvalidAction' }],

  // Signatures
  ['MISSING_AUTHENTICATION_TOKEN', { status: 403, code: 'MissingAuthenticationToken' }],
  ['INCOMPLETE_SIGNATURE', { status: 400, code: 'IncompleteSignature' }],
  ['INVALID_CLIENT_TOKEN_ID', { status: 403, code: 'InvalidClientTokenId' }],
  ['EXPIRED_TOKEN', { status: 403, code: 'ExpiredToken' }],
  ['SIGNATURE_DOES_NOT_MATCH', { status: 403, code: 'SignatureDoesNotMatch' }],
  ['REQUEST_EXPIRED', { status: 400, code: 'RequestExpired' }],

  // Actions
  ['INVALID_PARAMETER', { status: 400, code: 'InvalidParameter' }],
  ['PARAMETER_VALUE_INVALID', { status: 400, code: 'ParameterValueInvalid' }],
  ['VALIDATION_ERROR', { status: 400, code: 'ValidationError' }],
  ['EMPTY_BATCH_REQUEST', { status: 400, code: 'EmptyBatchRequest' }],
  ['TOO_MANY_ENTRIES_IN_BATCH_REQUEST', { status: 400, code: 'TooManyEntriesInBatchRequest' }],
  ['INVALID_BATCH_ENTRY_ID', { status: 400, code: 'InvalidBatchEntryId' }],
  ['BATCH_ENTRY_IDS_NOT_DISTINCT', { status: 400, code: 'BatchEntryIdsNotDistinct' }],
  ['BATCH_REQUEST_TOO_LONG', { status: 400, code: 'BatchRequestTooLong' }],
  ['NOT_FOUND', { status: 404, code: 'NotFound' }],
  ['AUTHORIZATION_ERROR', { status: 403, code: 'AuthorizationError' }],
  ['INVALID_SECURITY', { status: 403, code: 'InvalidSecurity' }],

  // STS
  ['ACCESS_DENIED', { status: 403, code: 'AccessDenied' }],
  ['MALFORMED_POLICY_DOCUMENT', { status: 400, code: 'MalformedPolicyDocument' }],
  ['PACKED_POLICY_TOO_LARGE', { status: 400, code: 'PackedPolicyTooLarge' }],
  ['INVALID_PARAMETER_VALUE', { status: 400, code: 'InvalidParameterValue' }],

  // KMS: its own words, as SNS passes them on
  ['KMS_ACCESS_DENIED', { status: 400, code: 'KMSAccessDenied' }],
  ['KMS_DISABLED', { status: 400, code: 'KMSDisabled' }],
  ['KMS_INVALID_STATE', { status: 400, code: 'KMSInvalidState' }],
  ['KMS_NOT_FOUND', { status: 400, code: 'KMSNotFound' }],
  ['KMS_THROTTLING', { status: 400, code: 'KMSThrottling' }],
  ['KMS_OPT_IN_REQUIRED', { status: 403, code: 'KMSOptInRequired' }],
  ['KMS_INVALID_KEY_USAGE', { status: 400, code: 'InvalidParameter' }],

  // Ours to fix. The texts tell a publisher the one thing it must know: whether the message may be there.
  [
    'KMS_UNAVAILABLE',
    { status: 500, code: 'InternalError', text: 'KMS does not answer. The message was not accepted; retry later.' },
  ],
  [
    'KMS_CREDENTIALS',
    {
      status: 500,
      code: 'InternalError',
      text: 'KMS does not accept this server. The message was not accepted; retry later.',
    },
  ],
  [
    'KMS_INSECURE_ENDPOINT',
    {
      status: 500,
      code: 'InternalError',
      text: 'This server cannot reach KMS safely. The message was not accepted; retry later.',
    },
  ],
  [
    'DATA_KEY_UNAVAILABLE',
    {
      status: 503,
      code: 'ServiceUnavailable',
      text: 'No data key could be obtained in time. The message was not accepted; retry later.',
    },
  ],
  [
    'KMS_INTEGRITY',
    { status: 500, code: 'InternalError', text: 'KMS gave an answer that does not fit. The message was not accepted.' },
  ],
  [
    'RECORD_FORGED',
    { status: 500, code: 'InternalError', text: 'A stored record failed its integrity check and was not used.' },
  ],
  [
    'REDIS_UNAVAILABLE',
    {
      status: 503,
      code: 'ServiceUnavailable',
      text: 'The storage cannot be reached. A message was not stored by this attempt; retry later.',
    },
  ],
  [
    'REDIS_AUTHENTICATION_FAILED',
    {
      status: 503,
      code: 'ServiceUnavailable',
      text: 'The storage refuses this server. A message was not stored by this attempt; retry later.',
    },
  ],
  [
    'TOPIC_CONTENDED',
    {
      status: 503,
      code: 'ServiceUnavailable',
      text: 'The topic is being changed by others. Nothing was changed by this attempt; retry later.',
    },
  ],
  [
    'TOPIC_OUTDATED',
    {
      status: 503,
      code: 'ServiceUnavailable',
      text: 'The topic keeps changing or cannot be read in time. The message was not accepted; retry later.',
    },
  ],
  [
    'SUBSCRIPTION_CONTENDED',
    {
      status: 503,
      code: 'ServiceUnavailable',
      text: 'The topic is being changed by others. Nothing was changed by this attempt; retry later.',
    },
  ],
  [
    'REDIS_REFUSED',
    {
      status: 503,
      code: 'ServiceUnavailable',
      text: 'The storage refuses writes. A message was not stored by this attempt; retry later.',
    },
  ],
  [
    'REDIS_OUTCOME_UNKNOWN',
    {
      status: 503,
      code: 'ServiceUnavailable',
      text:
        'The request may or may not have been stored: the reply of the storage was lost. ' +
        'Retrying may deliver a message twice.',
    },
  ],
  [
    'REDIS_UNDER_REPLICATED',
    {
      status: 503,
      code: 'ServiceUnavailable',
      text:
        'The request was stored, but not yet on enough replicas: it may be lost on fail-over. ' +
        'Retrying may deliver a message twice.',
    },
  ],
])
