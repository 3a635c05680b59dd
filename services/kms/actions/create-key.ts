/**
 * CreateKey: a symmetric key in the caller's account and region, under the key policy that it brings or the default one.
 *
 * Values that say what is so anyway are taken; another kind of key or another origin are refused, since a caller who
 * sends them relies on them. Tags need a permission of their own.
 */

import { authorizeAccount } from '../authorize.ts'
import { checkKeyPolicy, POLICY_RULES } from '../check-key-policy.ts'
import { KEY_KIND } from '../key-conditions.ts'
import { keyArnOf } from '../key-identifier.ts'
import type { Action } from './action.ts'
import { keyMetadata } from './key-metadata.ts'
import { readKeySpec } from './key-spec.ts'
import { checkTags, readTag } from './tags.ts'

const ORIGINS = ['AWS_KMS', 'EXTERNAL', 'AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE']

/** Limit of KMS's model. */
export const DESCRIPTION_RULES = { max: 8192 } as const

export const createKey: Action = async (request) => {
  const { caller, keyStore, principalExists, note } = request
  const { description, tags, policy, bypassLockoutCheck } = request.readMembers((read) => {
    readKeySpec(read)
    read.choice('Origin', { values: ORIGINS, supported: ['AWS_KMS'] })
    read.falseFlag('MultiRegion')
    return {
      description: read.text('Description', DESCRIPTION_RULES) ?? '',
      tags: read.structures('Tags', readTag) ?? [],
      policy: read.text('Policy', POLICY_RULES),
      bypassLockoutCheck: read.flag('BypassPolicyLockoutSafetyCheck'),
    }
  })
  const { account, region } = caller
  const any = { account, arn: keyArnOf(caller, '*'), tags }
  const conditions = new Map([...KEY_KIND, ['kms:bypasspolicylockoutsafetycheck', String(bypassLockoutCheck)]])
  const requestTags = tags.length > 0 ? tags : undefined
  authorizeAccount(request, 'CreateKey', { conditions, requestTags })
  if (tags.length > 0) authorizeAccount(request, 'TagResource', { resource: any.arn, conditions, requestTags })
  checkTags(tags)
  if (policy !== undefined) {
    const aliasesOf = () => []
    checkKeyPolicy(policy, { key: any, caller, aliasesOf, exists: principalExists, bypassLockoutCheck })
  }
  const key = await keyStore.createKey({ account, region, description, tags, policy })
  note({ keyArn: key.arn })
  return { KeyMetadata: keyMetadata(key) }
}
