/**
 * Keys that a service has in an account, named by an alias that nobody else can give: here SNS's.
 *
 * One for each account and region, made when it is first used and not before; the alias is listed
 * from the start, without a key. The policy of such a key cannot be changed, so that it is decided here:
 * the account may look at it, SNS may use it for the account's own principals, and nobody anything else,
 * ReEncrypt included. It says what AWS's own does with `kms:ViaService` and `kms:CallerAccount`.
 */

import type { Place } from './key-identifier.ts'

export const SNS_ALIAS = 'alias/aws/sns'

/** What SNS may ask for a principal of the key's account. */
const VIA_SERVICE: ReadonlySet<string> = new Set([
  ...['Decrypt', 'DescribeKey', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext'],
])

/** @param permission the action asked for, by a principal of the key's account */
export function isAllowedOnManagedKey(permission: string, { viaService }: { viaService: boolean }): boolean {
  return /^(?:Describe|Get|List)/.test(permission) || (viaService && VIA_SERVICE.has(permission))
}

/** What `isAllowedOnManagedKey` decides, as the policy that AWS gives such a key. */
export function managedKeyPolicyOf({ account, region }: Place): Readonly<Record<string, unknown>> {
  const conditions = { 'kms:ViaService': `sns.${region}.amazonaws.com`, 'kms:CallerAccount': account }
  return {
    Version: '2012-10-17',
    Id: 'auto-sns-1',
    Statement: [
      {
        Sid: 'Allow access through SNS for all principals in the account that are authorized to use SNS',
        Effect: 'Allow',
        Principal: { AWS: '*' },
        Action: ['kms:Decrypt', 'kms:GenerateDataKey*', 'kms:CreateGrant', 'kms:ListGrants', 'kms:DescribeKey'],
        Resource: '*',
        Condition: { StringEquals: conditions },
      },
      {
        Sid: 'Allow direct access to key metadata to the account',
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${account}:root` },
        Action: ['kms:Describe*', 'kms:Get*', 'kms:List*', 'kms:RevokeGrant'],
        Resource: '*',
      },
    ],
  }
}
