/**
 * The one table from KMS's error codes to ours.
 *
 * The SDK's error objects end here: they carry the HTTP response and the request's metadata, so
 * neither they nor anything reachable from them goes on as `cause`. The text is KMS's own, followed
 * by the suffix that SNS users know from SNS's KMS errors; where KMS says nothing it is `null`.
 */

import { KMSServiceException } from '@aws-sdk/client-kms'
import { BrokerError } from '#shared/errors'
import {
  KmsAccessDeniedError,
  KmsCredentialsError,
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
  // Errors that every AWS service has for a signer it does not know, by all their names.
  ['UnrecognizedClientException', KmsCredentialsError],
  ['InvalidClientTokenId', KmsCredentialsError],
  ['InvalidSignatureException', KmsCredentialsError],
  ['SignatureDoesNotMatch', KmsCredentialsError],
  ['ExpiredTokenException', KmsCredentialsError],
  ['ExpiredToken', KmsCredentialsError],
  ['IncompleteSignature', KmsCredentialsError],
  ['IncompleteSignatureException', KmsCredentialsError],
  ['MissingAuthenticationToken', KmsCredentialsError],
  ['MissingAuthenticationTokenException', KmsCredentialsError],
  // Everything else is an outage to those who wait for a key: server faults, answers that are no JSON, refusals that are
  // not known here. Held and tried again, never taken for the publisher's fault.
])

/** @returns whether an AWS service that refuses by this name refuses the signer */
export function isOfSigner(name: string): boolean {
  return TABLE.get(name) === KmsCredentialsError
}

/** Longest text taken over from KMS: it goes into logs and answers. */
const MAX_TEXT = 1024

/** @param error whatever the SDK threw */
export function errorOf(error: unknown): BrokerError {
  // Thrown by us on the way through the SDK.
  if (error instanceof BrokerError) return error
  if (!(error instanceof KMSServiceException)) {
    return isOfCredentials(error)
      ? new KmsCredentialsError(`Cannot ask KMS: no AWS credentials could be obtained (${reasonOf(error)})`)
      : new KmsUnavailableError(`KMS did not answer: ${reasonOf(error)}`)
  }
  if (error.name === 'KeyUnavailableException') return new KmsKeyUnavailableError(`${textOf(error)} ${suffixOf(error)}`)
  const status = error.$metadata.httpStatusCode
  // By name, not by class: access denied and throttling are not in the service's model.
  const ErrorOfName = (status ?? 0) < 500 ? TABLE.get(error.name) : undefined
  if (ErrorOfName === undefined && isRefusal(status)) {
    // Of this question alone, such as a key identifier that is malformed to KMS: whoever owns a topic may give it any.
    return new KmsKeyUnavailableError(`${textOf(error)} ${suffixOf(error)}`)
  }
  // KMS tells such a signer what it should have signed, headers with session tokens included.
  const text = ErrorOfName === KmsCredentialsError ? 'KMS refuses the credentials of the broker' : textOf(error)
  return new (ErrorOfName ?? KmsUnavailableError)(`${text} ${suffixOf(error)}`)
}

/** Not a request that took too long to arrive: that says nothing about the key. */
function isRefusal(status: number | undefined): boolean {
  return status !== undefined && status >= 400 && status < 500 && status !== 408
}

/** From the SDK's credential providers, or from the service that one of them asked, such as STS. */
function isOfCredentials(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ['CredentialsProviderError', 'TokenProviderError', 'ProviderError'].includes(error.name) || '$fault' in error
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
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
