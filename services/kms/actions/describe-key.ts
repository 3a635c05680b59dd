/** DescribeKey: a key's metadata. */

import { type Action, KEY_ID_RULES, resolveKey } from './action.ts'
import { keyMetadata } from './key-metadata.ts'

export const describeKey: Action = (request) => {
  const keyId = request.readMembers((read) => {
    read.emptyList('GrantTokens')
    return read.requiredText('KeyId', KEY_ID_RULES)
  })
  return { KeyMetadata: keyMetadata(resolveKey(keyId, request, { aliases: true })) }
}
