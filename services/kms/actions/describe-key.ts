/** DescribeKey: a key's metadata. Describing SNS's alias brings its key into being. */

import { type Action, KEY_ID_RULES, resolveKey } from './action.ts'
import { readGrantTokens } from './grants/read-grant-tokens.ts'
import { keyMetadata } from './key-metadata.ts'
import { makeManagedKeyOnUse } from './make-managed-key.ts'

export const describeKey: Action = async (request) => {
  const keyId = request.readMembers((read) => {
    readGrantTokens(read, request)
    return read.requiredText('KeyId', KEY_ID_RULES)
  })
  await makeManagedKeyOnUse(keyId, request)
  return { KeyMetadata: keyMetadata(resolveKey(keyId, request, { aliases: true })) }
}
