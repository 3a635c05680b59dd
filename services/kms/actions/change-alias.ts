/** CreateAlias, UpdateAlias and DeleteAlias: which key a name in the caller's account and region stands for. */

import { aliasArnOf } from '../key-identifier.ts'
import type { KmsKey } from '../key-store.ts'
import { type Action, type ActionRequest, KEY_ID_RULES, resolveKey } from './action.ts'
import { ALIAS_NAME_RULES, checkAliasName, checkAliasTarget } from './alias-name.ts'

export const createAlias: Action = async (request) => {
  const { name, key } = readNameAndKey(request)
  const { account, region } = key
  await request.keyStore.createAlias({ account, region, name, targetKeyId: key.id })
  return undefined
}

export const updateAlias: Action = async (request) => {
  const { name, key } = readNameAndKey(request)
  await request.keyStore.updateAlias(aliasArnOf(request.caller, name), key.id)
  return undefined
}

export const deleteAlias: Action = async (request) => {
  const name = request.readMembers((read) => read.requiredText('AliasName', ALIAS_NAME_RULES))
  checkAliasName(name)
  await request.keyStore.deleteAlias(aliasArnOf(request.caller, name))
  return undefined
}

/** Keys of other accounts are refused on the way: an alias and its key lie in one account and region. */
function readNameAndKey(request: ActionRequest): { name: string; key: KmsKey } {
  const { name, target } = request.readMembers((read) => ({
    name: read.requiredText('AliasName', ALIAS_NAME_RULES),
    target: read.requiredText('TargetKeyId', KEY_ID_RULES),
  }))
  checkAliasName(name)
  checkAliasTarget(target)
  return { name, key: resolveKey(target, request, { aliases: false }) }
}
