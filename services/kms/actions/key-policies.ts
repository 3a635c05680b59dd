/**
 * GetKeyPolicy, PutKeyPolicy and ListKeyPolicies: the one policy that each key has. A new one is in force for every request
 * that comes after the answer.
 */

import { checkKeyPolicy, POLICY_RULES } from '../check-key-policy.ts'
import { NotFoundError } from '../errors.ts'
import { keyPolicyTextOf } from '../key-policy.ts'
import { type Action, KEY_ID_RULES, resolveKey } from './action.ts'
import { MARKER_RULES, paginate } from './paginate.ts'

/** The only name KMS has for a key's policy. */
const POLICY_NAME = 'default'

const POLICY_NAME_RULES = { min: 1, max: 128, pattern: /^[\w]+$/ } as const

export const getKeyPolicy: Action = (request) => {
  const { keyId, name = POLICY_NAME } = request.readMembers((read) => ({
    keyId: read.requiredText('KeyId', KEY_ID_RULES),
    name: read.text('PolicyName', POLICY_NAME_RULES),
  }))
  const key = resolveKey(keyId, request, { aliases: false })
  requireDefault(name)
  return { Policy: keyPolicyTextOf(key), PolicyName: POLICY_NAME }
}

export const putKeyPolicy: Action = async (request) => {
  const {
    keyId,
    name = POLICY_NAME,
    policy,
    bypassLockoutCheck,
  } = request.readMembers((read) => ({
    keyId: read.requiredText('KeyId', KEY_ID_RULES),
    name: read.text('PolicyName', POLICY_NAME_RULES),
    policy: read.requiredText('Policy', POLICY_RULES),
    bypassLockoutCheck: read.flag('BypassPolicyLockoutSafetyCheck'),
  }))
  const { caller, keyStore, principalExists } = request
  const conditions = new Map([['kms:bypasspolicylockoutsafetycheck', String(bypassLockoutCheck)]])
  const key = resolveKey(keyId, request, { aliases: false, conditions })
  requireDefault(name)
  const aliasesOf = () => keyStore.aliasNamesOf(key.arn)
  checkKeyPolicy(policy, { key, caller, aliasesOf, exists: principalExists, bypassLockoutCheck })
  await keyStore.changeKey(key.arn, (current) => ({ ...current, policy }))
  return undefined
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

function requireDefault(name: string): void {
  if (name !== POLICY_NAME) throw new NotFoundError('No such policy exists')
}
