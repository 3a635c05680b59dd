/**
 * What can go wrong when KMS is asked, as errors of ours: one class a cause.
 *
 * The codes are those the SNS wire table and the delivery loop match on. Refusals are the
 * publisher's or key owner's to fix; outages and altered answers are ours.
 */

import { BrokerError } from '#shared/errors'

abstract class KmsRefusedError extends BrokerError {
  override readonly fault = 'sender'
  override readonly retryable: boolean = false
}

/** The principal may not use the key, or the key is not one it may learn about. */
export class KmsAccessDeniedError extends KmsRefusedError {
  override readonly code = 'KMS_ACCESS_DENIED'
}

/** The key exists and is switched off. */
export class KmsDisabledError extends KmsRefusedError {
  override readonly code = 'KMS_DISABLED'
}

/** The key is in a state that does not allow the request, e.g. pending deletion. */
export class KmsInvalidStateError extends KmsRefusedError {
  override readonly code = 'KMS_INVALID_STATE'
}

/** No such key or alias. */
export class KmsNotFoundError extends KmsRefusedError {
  override readonly code = 'KMS_NOT_FOUND'
}

/** KMS asks for fewer requests. */
export class KmsThrottlingError extends KmsRefusedError {
  override readonly code = 'KMS_THROTTLING'
  override readonly retryable = true
}

/** The account or region is not subscribed to KMS. */
export class KmsOptInRequiredError extends KmsRefusedError {
  override readonly code = 'KMS_OPT_IN_REQUIRED'
}

/** The key cannot encrypt data keys: an asymmetric or HMAC key. */
export class KmsInvalidKeyUsageError extends KmsRefusedError {
  override readonly code = 'KMS_INVALID_KEY_USAGE'
}

/**
 * The broker has no credentials for KMS, or KMS does not accept them: unknown, expired, or a signature by a
 * wrong secret. The operator's to mend, never the publisher's; what waits for a key goes on waiting.
 */
export class KmsCredentialsError extends BrokerError {
  override readonly code = 'KMS_CREDENTIALS'
  override readonly fault = 'receiver'
  override readonly retryable = true
}

/** The endpoint that the SDK was told of would have data keys cross a network in clear. Nothing was sent. */
export class KmsInsecureEndpointError extends BrokerError {
  override readonly code = 'KMS_INSECURE_ENDPOINT'
  override readonly fault = 'receiver'
  override readonly retryable = true
}

/** KMS did not answer in time, could not be reached or failed. */
export class KmsUnavailableError extends BrokerError {
  override readonly code = 'KMS_UNAVAILABLE'
  override readonly fault = 'receiver'
  override readonly retryable = true
}

/**
 * KMS is well and cannot use this one key at the moment, or refuses to be asked about it for a reason that is not known
 * here: an outage to those who need the key, and to nobody else.
 */
export class KmsKeyUnavailableError extends KmsUnavailableError {}

/** The encrypted data key does not open, or KMS answered for another key or with other than 32 bytes. */
export class KmsIntegrityError extends BrokerError {
  override readonly code = 'KMS_INTEGRITY'
  override readonly fault = 'receiver'
  override readonly retryable = false
}

/** The broker may not take on the role that the publisher was given: STS says so, and KMS was not asked. */
export class KmsRoleDeniedError extends KmsAccessDeniedError {}

/** The role that the publisher was given cannot be taken on at the moment, for a reason that is its own. KMS was not asked. */
export class KmsRoleUnavailableError extends KmsUnavailableError {}

/** STS did not answer in time, could not be reached, failed, or asks for fewer requests. KMS was not asked. */
export class StsUnavailableError extends KmsRoleUnavailableError {}
