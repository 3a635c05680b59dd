/**
 * The answers that can be injected: KMS's errors by name, with the status and text that KMS gives them.
 *
 * Kept apart from ../error-response.ts, whose rows belong to errors of this service: most of these it never has of its own.
 */

export const INJECTABLE_ERRORS = [
  'AccessDeniedException',
  'DependencyTimeoutException',
  'DisabledException',
  'IncorrectKeyException',
  'InvalidCiphertextException',
  'InvalidKeyUsageException',
  'KeyUnavailableException',
  'KMSInternalException',
  'KMSInvalidStateException',
  'LimitExceededException',
  'NotFoundException',
  'OptInRequired',
  'ServiceUnavailable',
  'ThrottlingException',
] as const

export type InjectableError = (typeof INJECTABLE_ERRORS)[number]

/** What a text may name. */
export interface FaultSubject {
  readonly operation: string
  readonly caller: string
  /** Of the key that the request means, if it means one that is known. */
  readonly keyArn: string | undefined
}

/** AWS KMS: only three of its own errors are server faults; OptInRequired and ServiceUnavailable are common errors of AWS. */
const STATUS: Partial<Record<InjectableError, number>> = {
  DependencyTimeoutException: 500,
  KeyUnavailableException: 500,
  KMSInternalException: 500,
  OptInRequired: 403,
  ServiceUnavailable: 503,
}

const TEXT: Record<InjectableError, (subject: FaultSubject) => string | null> = {
  AccessDeniedException: ({ caller, operation, keyArn }) =>
    `User: ${caller} is not authorized to perform: kms:${operation} on resource: ${keyArn} ` +
    `because no identity-based policy allows the kms:${operation} action`,
  DependencyTimeoutException: () =>
    'The system timed out while trying to fulfill the request. You can retry the request.',
  DisabledException: ({ keyArn }) => `${keyArn} is disabled.`,
  IncorrectKeyException: () => 'The key ID in the request does not identify a CMK that can perform this operation.',
  InvalidCiphertextException: () => null,
  InvalidKeyUsageException: ({ keyArn, operation }) => `${keyArn} key usage is not valid for ${operation}.`,
  KeyUnavailableException: () => 'The specified KMS key was not available. You can retry the request.',
  KMSInternalException: () => 'The request could not be completed because of an internal error.',
  KMSInvalidStateException: ({ keyArn }) => `${keyArn} is pending deletion.`,
  LimitExceededException: () => 'A quota was exceeded.',
  NotFoundException: ({ keyArn }) => `Key '${keyArn}' does not exist`,
  OptInRequired: () => 'The AWS Access Key Id needs a subscription for the service',
  ServiceUnavailable: () => 'The request has failed due to a temporary failure of the server.',
  ThrottlingException: () =>
    'You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.',
}

/** @param message instead of the usual text; null: no text at all */
export function injectedResponseOf(
  name: InjectableError,
  subject: FaultSubject,
  message?: string | null,
): { status: number; name: string; body: Readonly<Record<string, string>> } {
  const text = message === undefined ? TEXT[name](subject) : message
  // AccessDenied comes from AWS's shared authorization layer, which writes the member with a capital.
  const member = name === 'AccessDeniedException' ? 'Message' : 'message'
  return { status: STATUS[name] ?? 400, name, body: { __type: name, ...(text === null ? {} : { [member]: text }) } }
}
