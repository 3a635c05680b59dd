/** ListAliases: the aliases of the caller's account and region, or those of one key. */

import { type Action, KEY_ID_RULES, resolveKey, toSeconds } from './action.ts'
import { MARKER_RULES, paginate } from './paginate.ts'

export const listAliases: Action = (request) => {
  const { keyId, ...page } = request.readMembers((read) => ({
    keyId: read.text('KeyId', KEY_ID_RULES),
    limit: read.integer('Limit', { min: 1, max: 100 }) ?? 50,
    marker: read.text('Marker', MARKER_RULES),
  }))
  const target = keyId === undefined ? undefined : resolveKey(keyId, request, { aliases: false })
  const all = request.keyStore.listAliases(request.caller)
  const aliases = target === undefined ? all : all.filter(({ targetKeyId }) => targetKeyId === target.id)
  const { operation } = request
  const { page: shown, next } = paginate(aliases, { ...page, operation, keyOf: ({ name }) => name })
  return {
    Aliases: shown.map((alias) => ({
      AliasName: alias.name,
      AliasArn: alias.arn,
      TargetKeyId: alias.targetKeyId,
      CreationDate: toSeconds(alias.createdAt),
      LastUpdatedDate: toSeconds(alias.updatedAt),
    })),
    ...next,
  }
}
