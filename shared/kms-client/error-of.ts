/**
 * The one table from KMS's error codes to ours.
 *
 * The SDK's error objects end here: they carry the HTTP response and the request's metadata, so
 * neither they nor anything reachable from them goes on as `cause`. The text is KMS's own, followed
 * by the suffix that SNS users know from SNS's KMS errors; where KMS says nothing it is `null`.
 */

import { KMSServiceException } from '@aws-sdk/client-kms'
import type { BrokerError } from '#shared/errors'
import {
  KmsAccessDeniedError,
  KmsDisabledError,
  KmsIntegrityError,
  KmsInvalidKeyUsageError,
  KmsInvalidStateError,
  KmsKeyUnavailableError,
  KmsNotFoundError,
  KmsOptInRequiredError,
  KmsThrottlingError,
  KmsUnavailableError,
} from './errors.ts'

type ErrorClass = new (message: string) => BrokerError

const TABLE: ReadonlyMap<string, ErrorClass> = new Map<string, ErrorClass>([
  ['AccessDeniedException', KmsAccessDeniedError],
  ['DisabledException', KmsDisabledError],
  ['KMSInvalidStateException', KmsInvalidStateError],
  ['NotFoundException', KmsNotFoundError],
  ['ThrottlingException', KmsThrottlingError],
  ['LimitExceededException', KmsThrottlingError],
  ['OptInRequired', KmsOptInRequiredError],
  ['SubscriptionRequiredException', KmsOptInRequiredError],
  ['InvalidKeyUsageException', KmsInvalidKeyUsageError],
  ['UnsupportedOperationException', KmsInvalidKeyUsageError],
  ['InvalidCiphertextException', KmsIntegrityError],
  ['IncorrectKeyException', KmsIntegrityError],
  // Everything else is an outage to those who wait for a key: server faults, refused broker
  // credentials, answers that are no JSON. Held and tried again, never taken for the publisher's fault.
])

/** Longest text taken over from KMS: it goes into logs and answers. */
const MAX_TEXT = 1024

/** @param error whatever the SDK threw */
export function errorOf(error: unknown): BrokerError {
  if (!(error instanceof KMSServiceException)) return new KmsUnavailableError(`KMS did not answer: ${reasonOf(error)}`)
  if (error.name === 'KeyUnavailableException') return new KmsKeyUnavailableError(`${textOf(error)} ${suffixOf(error)}`)
  const status = error.$metadata.httpStatusCode
  // By name, not by class: access denied and throttling are not in the service's model.
  const ErrorOfName = (status ?? 0) < 500 ? TABLE.get(error.name) : undefined
  return new (ErrorOfName ?? KmsUnavailableError)(`${textOf(error)} ${suffixOf(error)}`)
}

function textOf(error: KMSServiceException): string {
  // The SDK's own stand-in for an answer without a text.
  if (error.message === '' || error.message === 'UnknownError') return 'null'
  return error.message.slice(0, MAX_TEXT)
}

function suffixOf(error: KMSServiceException): string {
  const { httpStatusCode, requestId } = error.$metadata
  const parts = [
    'Service: AWSKMS',
    `Status Code: ${httpStatusCode ?? 'unknown'}`,
    `Error Code: ${error.name}`,
    `Request ID: ${requestId ?? 'null'}`,
    'Proxy: null',
  ]
  return `(${parts.join('; ')})`
}

/** Name and system code only: a message of the transport may quote what was received. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
