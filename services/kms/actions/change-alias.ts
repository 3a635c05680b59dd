/**
 * CreateAlias, UpdateAlias and DeleteAlias: which key a name in the caller's account and region stands for.
 *
 * Each needs its permission on the alias, by identity policies alone, and on every key that is concerned: of UpdateAlias
 * the one it has named until now, too.
 */

import { authorizeAccount, authorizeKey } from '../authorize.ts'
import { aliasArnOf, keyArnOf } from '../key-identifier.ts'
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
  const { name, arn, key } = readNameAndKey(request)
  authorizeTargetOf(arn, request, name)
  await request.keyStore.updateAlias(arn, key.id)
  return undefined
}

export const deleteAlias: Action = async (request) => {
  const name = request.readMembers((read) => read.requiredText('AliasName', ALIAS_NAME_RULES))
  checkAliasName(name)
  const arn = aliasArnOf(request.caller, name)
  authorizeAccount(request, request.operation, { resource: arn })
  authorizeTargetOf(arn, request, name)
  await request.keyStore.deleteAlias(arn)
  return undefined
}

/** Keys of other accounts are refused on the way: an alias and its key lie in one account and region. */
function readNameAndKey(request: ActionRequest): { name: string; arn: string; key: KmsKey } {
  const { name, target } = request.readMembers((read) => ({
    name: read.requiredText('AliasName', ALIAS_NAME_RULES),
    target: read.requiredText('TargetKeyId', KEY_ID_RULES),
  }))
  checkAliasName(name)
  checkAliasTarget(target)
  const arn = aliasArnOf(request.caller, name)
  authorizeAccount(request, request.operation, { resource: arn })
  return { name, arn, key: resolveKey(target, request, { aliases: false }) }
}

function authorizeTargetOf(aliasArn: string, request: ActionRequest, requestAlias: string): void {
  const { keyStore, operation: permission } = request
  const alias = keyStore.findAlias(aliasArn)
  const key = alias && keyStore.findKey(keyArnOf(alias, alias.targetKeyId))
  if (key !== undefined) authorizeKey(request, key, { permission, requestAlias })
}
