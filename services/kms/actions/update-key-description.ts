/** UpdateKeyDescription: what a key is for, in the owner's words; may be empty. */

import { requireNotPendingDeletion } from '../key-states.ts'
import { type Action, KEY_ID_RULES, resolveKey } from './action.ts'
import { DESCRIPTION_RULES } from './create-key.ts'

export const updateKeyDescription: Action = async (request) => {
  const { keyId, description } = request.readMembers((read) => ({
    keyId: read.requiredText('KeyId', KEY_ID_RULES),
    description: read.requiredText('Description', DESCRIPTION_RULES),
  }))
  const { arn } = resolveKey(keyId, request, { aliases: false })
  await request.keyStore.changeKey(arn, (key) => {
    requireNotPendingDeletion(key)
    return key.description === description ? key : { ...key, description }
  })
  return undefined
}
