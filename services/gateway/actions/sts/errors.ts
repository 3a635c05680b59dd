/** Refusals of STS. Texts are AWS's own where clients see them; none repeats a policy, an external id or a secret. */

import { BrokerError } from '#shared/errors'

abstract class StsRefusal extends BrokerError {
  override readonly fault = 'sender'
  override readonly retryable = false
}

/** The caller may not; or there is no such role, of which the caller is to learn nothing else. */
export class StsAccessDeniedError extends StsRefusal {
  override readonly code = 'ACCESS_DENIED'
}

/** The session policy is no policy. */
export class MalformedPolicyDocumentError extends StsRefusal {
  override readonly code = 'MALFORMED_POLICY_DOCUMENT'
}

/** Session policy and tags together do not fit into a token. */
export class PackedPolicyTooLargeError extends StsRefusal {
  override readonly code = 'PACKED_POLICY_TOO_LARGE'

  constructor(percent: number) {
    super(`Packed policy consumes ${percent}% of allotted space, please use smaller policy.`)
  }
}

/** Session tags that contradict each other, or those that the calling session hands on. */
export class StsParameterValueError extends StsRefusal {
  override readonly code = 'INVALID_PARAMETER_VALUE'
}
