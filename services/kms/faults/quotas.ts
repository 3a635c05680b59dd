/**
 * Which request quota an operation counts against: AWS KMS, "Request quotas".
 *
 * The cryptographic operations on symmetric keys share one; every other operation has its own.
 */

const SYMMETRIC_OPERATIONS: ReadonlySet<string> = new Set([
  ...['Decrypt', 'Encrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext', 'GenerateMac'],
  ...['GenerateRandom', 'ReEncrypt', 'VerifyMac'],
])

export function quotaOf(operation: string): string {
  return SYMMETRIC_OPERATIONS.has(operation) ? 'symmetric' : operation
}
