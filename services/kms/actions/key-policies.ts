/**
 * GetKeyPolicy and ListKeyPolicies: every key has KMS's default policy, or AWS's if it is AWS's (authorize.ts).
 * Reading says so; there is nothing to write yet, so PutKeyPolicy is refused by name.
 */

import { managedKeyPolicyOf } from '../aws-managed-keys.ts'
import { NotFoundError } from '../errors.ts'
import { type Action, KEY_ID_RULES, resolveKey } from './action.ts'
import { MARKER_RULES, paginate } from './paginate.ts'

/** The only name KMS has for a key's policy. */
const POLICY_NAME = 'default'

export const getKeyPolicy: Action = (request) => {
  const { keyId, name = POLICY_NAME } = request.readMembers((read) => ({
    keyId: read.requiredText('KeyId', KEY_ID_RULES),
    name: read.text('PolicyName', { min: 1, max: 128, pattern: /^[\w]+$/ }),
  }))
  const key = resolveKey(keyId, request, { aliases: false })
  if (name !== POLICY_NAME) throw new NotFoundError('No such policy exists')
  const policy = key.manager === 'AWS' ? managedKeyPolicyOf(key) : defaultPolicyOf(key.account)
  return { Policy: JSON.stringify(policy, undefined, 2), PolicyName: POLICY_NAME }
}

export const listKeyPolicies: Action = (request) => {
  const { keyId, ...page } = request.readMembers((read) => ({
    keyId: read.requiredText('KeyId', KEY_ID_RULES),
    limit: read.integer('Limit', { min: 1, max: 1000 }) ?? 100,
    marker: read.text('Marker', MARKER_RULES),
  }))
  const { operation } = request
  resolveKey(keyId, request, { aliases: false })
  const { page: names, next } = paginate([POLICY_NAME], { ...page, operation, keyOf: (name) => name })
  return { PolicyNames: names, ...next }
}

/** As KMS gives it to a key that was created through the API. */
function defaultPolicyOf(account: string) {
  return {
    Version: '2012-10-17',
    Id: 'key-default-1',
    Statement: [
      {
        Sid: 'Enable IAM User Permissions',
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${account}:root` },
        Action: 'kms:*',
        Resource: '*',
      },
    ],
  }
}
