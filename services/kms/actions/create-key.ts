/**
 * CreateKey: a symmetric key in the caller's account and region, under the default key policy.
 *
 * Values that say what is so anyway are taken; a policy, another kind of key or another origin are
 * refused, since a caller who sends them relies on them.
 */

import type { Action } from './action.ts'
import { keyMetadata } from './key-metadata.ts'
import { readKeySpec } from './key-spec.ts'
import { checkTags, readTag } from './tags.ts'

const ORIGINS = ['AWS_KMS', 'EXTERNAL', 'AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE']

/** Limit of KMS's model. */
export const DESCRIPTION_RULES = { max: 8192 } as const

export const createKey: Action = async ({ caller, keyStore, readMembers, note }) => {
  const { description, tags } = readMembers((read) => {
    readKeySpec(read)
    read.choice('Origin', { values: ORIGINS, supported: ['AWS_KMS'] })
    read.falseFlag('MultiRegion')
    read.falseFlag('BypassPolicyLockoutSafetyCheck')
    return {
      description: read.text('Description', DESCRIPTION_RULES) ?? '',
      tags: read.structures('Tags', readTag) ?? [],
    }
  })
  checkTags(tags)
  const { account, region } = caller
  const key = await keyStore.createKey({ account, region, description, tags })
  note({ keyArn: key.arn })
  return { KeyMetadata: keyMetadata(key) }
}
