/**
 * Why the KMS refuses a request, or cannot start: one class a cause.
 *
 * `error-response.ts` gives each code its KMS name and status. The messages of refusals go to the
 * caller as they are; those marked there as silent stay inside, since real KMS says nothing either.
 */

import { BrokerError } from '#shared/errors'

abstract class RequestRefusedError extends BrokerError {
  override readonly fault = 'sender'
  override readonly retryable = false
}

/** No such operation in KMS at all. */
export class UnknownOperationError extends RequestRefusedError {
  override readonly code = 'UNKNOWN_OPERATION'
}

/** A part of KMS that this one does not have: an operation, a parameter or a value of one. */
export class UnsupportedOperationError extends RequestRefusedError {
  override readonly code = 'UNSUPPORTED_OPERATION'
}

/** The body is no JSON object, or a member has another type than KMS's model gives it. */
export class SerializationError extends RequestRefusedError {
  override readonly code = 'SERIALIZATION'
}

/** The body is longer than any request of KMS. */
export class RequestTooLargeError extends RequestRefusedError {
  override readonly code = 'REQUEST_TOO_LARGE'
}

/** A parameter breaks a rule of KMS. */
export class ValidationError extends RequestRefusedError {
  override readonly code = 'VALIDATION'
}

/** Nobody has this access key. */
export class UnrecognizedClientError extends RequestRefusedError {
  override readonly code = 'UNRECOGNIZED_CLIENT'

  constructor() {
    super('The security token included in the request is invalid.')
  }
}

/** The caller may not do this, or not to this key. */
export class AccessDeniedError extends RequestRefusedError {
  override readonly code = 'ACCESS_DENIED'
}

/** A key policy that is none, or one that KMS does not take. */
export class MalformedPolicyDocumentError extends RequestRefusedError {
  override readonly code = 'MALFORMED_POLICY_DOCUMENT'
}

/** No such key or alias, or an identifier that can name none. */
export class NotFoundError extends RequestRefusedError {
  override readonly code = 'NOT_FOUND'
}

/** The alias is taken. */
export class AlreadyExistsError extends RequestRefusedError {
  override readonly code = 'ALREADY_EXISTS'
}

/** The alias is reserved for AWS. */
export class NotAuthorizedError extends RequestRefusedError {
  override readonly code = 'NOT_AUTHORIZED'
}

/** The marker is none that a listing gave out. */
export class InvalidMarkerError extends RequestRefusedError {
  override readonly code = 'INVALID_MARKER'
}

/** A principal's ARN that can be none. */
export class InvalidArnError extends RequestRefusedError {
  override readonly code = 'INVALID_ARN'
}

/** The token is of no grant there is. */
export class InvalidGrantTokenError extends RequestRefusedError {
  override readonly code = 'INVALID_GRANT_TOKEN'

  constructor() {
    super('The grant token is not valid.')
  }
}

/** The key has no such grant. */
export class InvalidGrantIdError extends RequestRefusedError {
  override readonly code = 'INVALID_GRANT_ID'
}

/** A quota of KMS's on what an account or a key may have. */
export class LimitExceededError extends RequestRefusedError {
  override readonly code = 'LIMIT_EXCEEDED'
}

/** The key is about to rotate by itself. */
export class RotationConflictError extends RequestRefusedError {
  override readonly code = 'ROTATION_CONFLICT'
}

/** Tags that break a rule which is not one of form. */
export class TagError extends RequestRefusedError {
  override readonly code = 'TAG'
}

/** The key is switched off. */
export class KeyDisabledError extends RequestRefusedError {
  override readonly code = 'KEY_DISABLED'
}

/** The key's state does not allow it: pending deletion, or not pending deletion. */
export class KeyStateError extends RequestRefusedError {
  override readonly code = 'KEY_STATE_INVALID'
}

/**
 * The ciphertext is none of ours, was altered, or the encryption context differs. One error for
 * all, without a reason, so that nobody learns from it which.
 */
export class InvalidCiphertextError extends RequestRefusedError {
  override readonly code = 'INVALID_CIPHERTEXT'

  constructor() {
    super('Cannot decrypt: the ciphertext does not authenticate')
  }
}

/** `KeyId` names another key than the one that encrypted. */
export class IncorrectKeyError extends RequestRefusedError {
  override readonly code = 'INCORRECT_KEY'

  constructor() {
    super('The key ID in the request does not identify a CMK that can perform this operation.')
  }
}

/** A dry run got as far as it can. */
export class DryRunError extends RequestRefusedError {
  override readonly code = 'DRY_RUN'

  constructor() {
    super('The request would have succeeded, but the DryRun option is set.')
  }
}

abstract class KeystoreError extends BrokerError {
  override readonly fault = 'receiver'
  override readonly retryable: boolean = false
}

/** There is a keystore and no root key that could open it. */
export class RootKeyMissingError extends KeystoreError {
  override readonly code = 'ROOT_KEY_MISSING'
}

/** The root key file is not 32 bytes in base64, or others may read it. */
export class RootKeyUnusableError extends KeystoreError {
  override readonly code = 'ROOT_KEY_UNUSABLE'
}

/** The root key is not the one this keystore was written with. */
export class RootKeyWrongError extends KeystoreError {
  override readonly code = 'ROOT_KEY_WRONG'
}

/** The keystore's bytes are not what was written: cut or altered. */
export class KeystoreDamagedError extends KeystoreError {
  override readonly code = 'KEYSTORE_DAMAGED'
}

/**
 * The keystore was written by a newer program. No damage: an older backup that this one can read must
 * not take its place.
 */
export class KeystoreVersionError extends KeystoreError {
  override readonly code = 'KEYSTORE_VERSION_UNKNOWN'
}

/** Another process serves this directory. */
export class KeystoreLockedError extends KeystoreError {
  override readonly code = 'KEYSTORE_LOCKED'
}

/** Others may change the directory of the keystore. */
export class KeystoreDirectoryError extends KeystoreError {
  override readonly code = 'KEYSTORE_DIRECTORY_UNSAFE'
}

/** A change could not be made durable: it did not happen as far as this process goes on. */
export class KeystoreWriteError extends KeystoreError {
  override readonly code = 'KEYSTORE_WRITE_FAILED'
  override readonly retryable = true
}

/** The key could not be brought into being at the moment: of this one key, while the others can be used. */
export class KeyUnavailableError extends BrokerError {
  override readonly code = 'KEY_UNAVAILABLE'
  override readonly fault = 'receiver'
  override readonly retryable = true
}
