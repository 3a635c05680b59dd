/**
 * ListAliases: the aliases of the caller's account and region, or those of one key. SNS's own alias is
 * always there; until its first use it has no key, and no date.
 */

import { authorizeAccount } from '../authorize.ts'
import { SNS_ALIAS } from '../aws-managed-keys.ts'
import { aliasArnOf } from '../key-identifier.ts'
import type { Alias } from '../key-store.ts'
import { type Action, type ActionRequest, KEY_ID_RULES, resolveKey, toSeconds } from './action.ts'
import { MARKER_RULES, paginate } from './paginate.ts'

export const listAliases: Action = (request) => {
  const { keyId, ...page } = request.readMembers((read) => ({
    keyId: read.text('KeyId', KEY_ID_RULES),
    limit: read.integer('Limit', { min: 1, max: 100 }) ?? 50,
    marker: read.text('Marker', MARKER_RULES),
  }))
  authorizeAccount(request, request.operation)
  const target =
    keyId === undefined ? undefined : resolveKey(keyId, request, { aliases: false, permission: 'ListAliases' })
  const all = withPredefined(request)
  const aliases = target === undefined ? all : all.filter(({ targetKeyId }) => targetKeyId === target.id)
  const { operation } = request
  const { page: shown, next } = paginate(aliases, { ...page, operation, keyOf: ({ name }) => name })
  return {
    Aliases: shown.map((alias) => ({
      AliasName: alias.name,
      AliasArn: alias.arn,
      TargetKeyId: alias.targetKeyId,
      CreationDate: alias.createdAt && toSeconds(alias.createdAt),
      LastUpdatedDate: alias.updatedAt && toSeconds(alias.updatedAt),
    })),
    ...next,
  }
}

type ListedAlias = Pick<Alias, 'name' | 'arn'> & Partial<Alias>

function withPredefined({ caller, keyStore }: ActionRequest): readonly ListedAlias[] {
  const aliases: readonly ListedAlias[] = keyStore.listAliases(caller)
  const arn = aliasArnOf(caller, SNS_ALIAS)
  if (aliases.some((alias) => alias.arn === arn)) return aliases
  const after = aliases.findIndex(({ name }) => name > SNS_ALIAS)
  return aliases.toSpliced(after === -1 ? aliases.length : after, 0, { name: SNS_ALIAS, arn })
}
