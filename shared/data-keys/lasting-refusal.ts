import { BrokerError } from '#shared/errors'

const CODES: ReadonlySet<string> = new Set([
  'KMS_ACCESS_DENIED',
  'KMS_DISABLED',
  'KMS_INVALID_STATE',
  'KMS_NOT_FOUND',
  'KMS_INVALID_KEY_USAGE',
  'KMS_OPT_IN_REQUIRED',
])

/**
 * Tells whether KMS refused because of the KMS key or of who asks, so that the next question about the same would be
 * answered the same. Throttling and outages are none: they pass by themselves.
 */
export function isLastingRefusal(error: unknown): error is BrokerError {
  return error instanceof BrokerError && CODES.has(error.code)
}
