/**
 * Keys that a service has in an account, named by an alias that nobody else can give: here SNS's.
 *
 * One for each account and region, made when it is first used and not before; the alias is listed
 * from the start, without a key. The policy of such a key cannot be changed, as it allows nobody to: the account may look
 * at it, SNS may use it for the account's own principals, and nobody anything else, ReEncrypt included.
 */

import type { Place } from './key-identifier.ts'

export const SNS_ALIAS = 'alias/aws/sns'

/** As AWS gives it to such a key. */
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
