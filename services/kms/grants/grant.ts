/**
 * What a grant is: one principal may do some operations with one key, under one constraint on the
 * encryption context. It only allows, and it never ends by itself. Pure.
 */

import type { EncryptionContext } from '../encryption-context.ts'

/** Of KMS's model. */
export const GRANT_OPERATIONS = [
  ...['Decrypt', 'Encrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext', 'ReEncryptFrom', 'ReEncryptTo'],
  ...['Sign', 'Verify', 'GetPublicKey', 'CreateGrant', 'RetireGrant', 'DescribeKey', 'GenerateDataKeyPair'],
  ...['GenerateDataKeyPairWithoutPlaintext', 'GenerateMac', 'VerifyMac', 'DeriveSharedSecret'],
] as const

/** Those a symmetric key can do in AWS: the pairs are no operations of this KMS, but a grant may name them. */
export const SYMMETRIC_GRANT_OPERATIONS: ReadonlySet<string> = new Set([
  ...['Decrypt', 'Encrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext', 'ReEncryptFrom', 'ReEncryptTo'],
  ...['CreateGrant', 'RetireGrant', 'DescribeKey', 'GenerateDataKeyPair', 'GenerateDataKeyPairWithoutPlaintext'],
])

/** `equals`: exactly these pairs; `subset`: these among others. */
export interface GrantConstraint {
  readonly type: 'equals' | 'subset'
  readonly pairs: EncryptionContext
}

/** What the creator chose. */
export interface GrantTerms {
  /** Absent: a retry makes another grant. */
  readonly name?: string | undefined
  readonly granteePrincipal: string
  readonly retiringPrincipal?: string | undefined
  /** Without repetition, as given. */
  readonly operations: readonly string[]
  readonly constraint?: GrantConstraint | undefined
}

export interface Grant extends GrantTerms {
  /** 64 hex digits. */
  readonly id: string
  readonly keyArn: string
  /** Of whoever created it: 12 digits. */
  readonly issuingAccount: string
  readonly createdAt: number
}
