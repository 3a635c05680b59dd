/** ListGrants: those of one key; ListRetirableGrants: those that one principal of the caller's account may retire. */

import { authorizeAccount } from '../../authorize.ts'
import { AccessDeniedError, InvalidGrantIdError } from '../../errors.ts'
import type { Grant } from '../../grants/grant.ts'
import { place } from '../../grants/grant-index.ts'
import { type Action, KEY_ID_RULES, resolveKey, toSeconds } from '../action.ts'
import { MARKER_RULES, paginate } from '../paginate.ts'
import { PRINCIPAL_RULES, requirePrincipal } from './read-terms.ts'

/** Limits of KMS's model. */
export const GRANT_ID_RULES = { min: 1, max: 128 } as const
const LIMIT = { min: 1, max: 100 } as const
const DEFAULT_LIMIT = 50

export const listGrants: Action = (request) => {
  const { keyId, grantId, granteePrincipal, ...page } = request.readMembers((read) => ({
    keyId: read.requiredText('KeyId', KEY_ID_RULES),
    grantId: read.text('GrantId', GRANT_ID_RULES),
    granteePrincipal: read.text('GranteePrincipal', PRINCIPAL_RULES),
    limit: read.integer('Limit', LIMIT) ?? DEFAULT_LIMIT,
    marker: read.text('Marker', MARKER_RULES),
  }))
  if (granteePrincipal !== undefined) requirePrincipal(granteePrincipal)
  const { arn } = resolveKey(keyId, request, { aliases: false })
  const { grants } = request.keyStore
  if (grantId !== undefined && grants.find(arn, grantId) === undefined) throw unknownGrant(grantId)
  const shown = grants.list(arn).filter((grant) => {
    return (grantId ?? grant.id) === grant.id && (granteePrincipal ?? grant.granteePrincipal) === grant.granteePrincipal
  })
  return entries(shown, { ...page, operation: request.operation, keyOf: ({ id }) => id })
}

export const listRetirableGrants: Action = (request) => {
  const { retiringPrincipal, ...page } = request.readMembers((read) => ({
    retiringPrincipal: read.requiredText('RetiringPrincipal', PRINCIPAL_RULES),
    limit: read.integer('Limit', LIMIT) ?? DEFAULT_LIMIT,
    marker: read.text('Marker', MARKER_RULES),
  }))
  requirePrincipal(retiringPrincipal)
  const { caller, keyStore, operation } = request
  if (retiringPrincipal.split(':')[4] !== caller.account) throw foreignPrincipal(caller.arn, retiringPrincipal)
  authorizeAccount(request, operation, { resource: retiringPrincipal })
  const region = `arn:aws:kms:${caller.region}:`
  const shown = keyStore.grants.retirableBy(retiringPrincipal).filter(({ keyArn }) => keyArn.startsWith(region))
  return entries(shown, { ...page, operation, keyOf: place })
}

export function unknownGrant(grantId: string): InvalidGrantIdError {
  return new InvalidGrantIdError(`The grant ${grantId} is not one of the key.`)
}

/** Which grants another account's principals may retire is that account's to know. */
function foreignPrincipal(caller: string, principal: string): AccessDeniedError {
  return new AccessDeniedError(
    `User: ${caller} is not authorized to perform: kms:ListRetirableGrants on resource: ${principal}`,
  )
}

function entries(grants: readonly Grant[], o: Parameters<typeof paginate<Grant>>[1]) {
  const { page, next } = paginate(grants, o)
  return { Grants: page.map(entry), ...next }
}

function entry(grant: Grant) {
  const { constraint } = grant
  const pairs = constraint && Object.fromEntries(constraint.pairs)
  return {
    KeyId: grant.keyArn,
    GrantId: grant.id,
    // KMS shows an unnamed one so.
    Name: grant.name ?? '',
    CreationDate: toSeconds(grant.createdAt),
    GranteePrincipal: grant.granteePrincipal,
    RetiringPrincipal: grant.retiringPrincipal,
    IssuingAccount: `arn:aws:iam::${grant.issuingAccount}:root`,
    Operations: grant.operations,
    Constraints:
      constraint &&
      (constraint.type === 'equals' ? { EncryptionContextEquals: pairs } : { EncryptionContextSubset: pairs }),
  }
}
