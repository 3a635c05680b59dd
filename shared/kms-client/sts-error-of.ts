/**
 * The one table from STS's error codes to ours, for the AssumeRole before a call to KMS. As error-of.ts: nothing of the SDK's
 * goes on, and no text of STS either, which names the broker to publishers.
 */

import { STSServiceException } from '@aws-sdk/client-sts'
import { BrokerError } from '#shared/errors'
import { errorOf, isOfSigner, reasonOf } from './error-of.ts'
import { KmsCredentialsError, KmsRoleDeniedError, KmsRoleUnavailableError, StsUnavailableError } from './errors.ts'

/** Refusals that the next question would meet as well: of the role, or of the session policy it was asked with. */
const DENIALS: ReadonlySet<string> = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'MalformedPolicyDocument',
  'MalformedPolicyDocumentException',
  'PackedPolicyTooLarge',
  'PackedPolicyTooLargeException',
  'RegionDisabledException',
])

/** What STS says when it is asked too much, besides 429. */
const THROTTLING = /Throttl|TooManyRequests|RequestLimitExceeded|SlowDown/

/**
 * @param error whatever the SDK threw
 * @param o.principal the publisher's id
 */
export function stsErrorOf(
  error: unknown,
  { roleArn, principal }: { roleArn: string; principal: string },
): BrokerError {
  // Thrown by us on the way through the SDK.
  if (error instanceof BrokerError) return error
  const cannot = `Cannot ask KMS with the role ${roleArn}`
  if (!(error instanceof STSServiceException)) {
    const other = errorOf(error)
    if (other instanceof KmsCredentialsError) return other
    return new StsUnavailableError(`${cannot}: STS did not answer: ${reasonOf(error)}`)
  }
  if (isOutage(error)) return new StsUnavailableError(`${cannot} ${suffixOf(error)}`)
  if (isOfSigner(error.name)) {
    return new KmsCredentialsError(`STS refuses the credentials of the broker ${suffixOf(error)}`)
  }
  if (DENIALS.has(error.name)) {
    const publisher = principal.split('#', 1)[0]
    return new KmsRoleDeniedError(`The broker may not assume the role ${roleArn} for ${publisher} ${suffixOf(error)}`)
  }
  // An answer, and about this role alone.
  return new KmsRoleUnavailableError(`${cannot} ${suffixOf(error)}`)
}

function isOutage({ name, $metadata }: STSServiceException): boolean {
  const status = $metadata.httpStatusCode ?? 0
  return status < 400 || status >= 500 || status === 408 || status === 429 || THROTTLING.test(name)
}

function suffixOf({ name, $metadata: { httpStatusCode, requestId } }: STSServiceException): string {
  const parts = [
    'Service: AWSSecurityTokenService',
    `Status Code: ${httpStatusCode ?? 'unknown'}`,
    `Error Code: ${name}`,
    `Request ID: ${requestId ?? 'null'}`,
    'Proxy: null',
  ]
  return `(${parts.join('; ')})`
}
