import { BrokerError } from '#shared/errors'

/** The ARN is none that a principal can have. */
export class PrincipalArnError extends BrokerError {
  override readonly code = 'PRINCIPAL_ARN_INVALID'
  override readonly fault = 'sender'
  override readonly retryable = false
}

/** A principal is added twice. */
export class PrincipalExistsError extends BrokerError {
  override readonly code = 'PRINCIPAL_EXISTS'
  override readonly fault = 'sender'
  override readonly retryable = false
}

/** There is no principals file: nobody has added a principal yet, or the path is wrong. */
export class PrincipalsFileMissingError extends BrokerError {
  override readonly code = 'PRINCIPALS_FILE_MISSING'
  override readonly fault = 'receiver'
  override readonly retryable = false
}

/** Group or others may read or write the principals file: its secrets may be known, its principals anybody's. */
export class PrincipalsFileExposedError extends BrokerError {
  override readonly code = 'PRINCIPALS_FILE_EXPOSED'
  override readonly fault = 'receiver'
  override readonly retryable = false
}

/** Another writer holds the file's lock, and still did when waiting ended. Or it took ours, believing us dead. */
export class PrincipalsFileLockedError extends BrokerError {
  override readonly code = 'PRINCIPALS_FILE_LOCKED'
  override readonly fault = 'receiver'
  override readonly retryable = true
}

/** Nobody in the principals file is called so. */
export class PrincipalNotFoundError extends BrokerError {
  override readonly code = 'PRINCIPAL_NOT_FOUND'
  override readonly fault = 'sender'
  override readonly retryable = false
}

/** A principal has as many access keys as it may have. */
export class AccessKeyLimitError extends BrokerError {
  override readonly code = 'ACCESS_KEY_LIMIT'
  override readonly fault = 'sender'
  override readonly retryable = false
}

/** The principal has no access key of this id. */
export class AccessKeyNotFoundError extends BrokerError {
  override readonly code = 'ACCESS_KEY_NOT_FOUND'
  override readonly fault = 'sender'
  override readonly retryable = false
}

/** The principal has no policy of this name. */
export class PolicyNotFoundError extends BrokerError {
  override readonly code = 'POLICY_NOT_FOUND'
  override readonly fault = 'sender'
  override readonly retryable = false
}

/** A policy cannot be called so. */
export class PolicyNameError extends BrokerError {
  override readonly code = 'POLICY_NAME_INVALID'
  override readonly fault = 'sender'
  override readonly retryable = false
}

/** A principal's policies are larger than IAM allows. */
export class PolicyTooLargeError extends BrokerError {
  override readonly code = 'POLICY_TOO_LARGE'
  override readonly fault = 'sender'
  override readonly retryable = false
}
