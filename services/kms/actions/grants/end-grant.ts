/**
 * RevokeGrant: by whoever has that permission on the key. RetireGrant: by whom the grant names, its grantee
 * among them if RetireGrant is one of its operations, and the account that made it.
 */

import { authorizeRetirement } from '../../authorize-retirement.ts'
import { DryRunError, InvalidGrantTokenError, ValidationError } from '../../errors.ts'
import type { Grant } from '../../grants/grant.ts'
import { GRANT_TOKEN_RULES } from '../../grants/grant-token.ts'
import { parseKeyIdentifier } from '../../key-identifier.ts'
import { type Action, type ActionRequest, KEY_ID_RULES, resolveKey } from '../action.ts'
import { GRANT_ID_RULES, unknownGrant } from './list-grants.ts'

export const revokeGrant: Action = async (request) => {
  const { keyId, grantId, isDryRun } = request.readMembers((read) => ({
    keyId: read.requiredText('KeyId', KEY_ID_RULES),
    grantId: read.requiredText('GrantId', GRANT_ID_RULES),
    isDryRun: read.flag('DryRun'),
  }))
  const { arn } = resolveKey(keyId, request, { aliases: false })
  const grant = request.keyStore.grants.find(arn, grantId)
  if (grant === undefined) throw unknownGrant(grantId)
  if (isDryRun) throw new DryRunError()
  await request.keyStore.deleteGrant(grant)
  return undefined
}

export const retireGrant: Action = async (request) => {
  const { keyId, grantId, token, isDryRun } = request.readMembers((read) => ({
    keyId: read.text('KeyId', KEY_ID_RULES),
    grantId: read.text('GrantId', GRANT_ID_RULES),
    token: read.text('GrantToken', GRANT_TOKEN_RULES),
    isDryRun: read.flag('DryRun'),
  }))
  const grant = token === undefined ? findNamed(keyId, grantId, request) : findByToken(token, request)
  if (grant === undefined) throw token === undefined ? unknownGrant(grantId ?? '') : new InvalidGrantTokenError()
  request.note({ keyArn: grant.keyArn })
  const key = request.keyStore.findKey(grant.keyArn)
  if (key === undefined) throw unknownGrant(grant.id)
  authorizeRetirement(grant, key, request)
  if (isDryRun) throw new DryRunError()
  await request.keyStore.deleteGrant(grant)
  return undefined
}

function findByToken(token: string, { keyStore, caller }: ActionRequest): Grant | undefined {
  const grant = keyStore.findGrantByToken(token)
  return grant?.keyArn.startsWith(`arn:aws:kms:${caller.region}:`) === true ? grant : undefined
}

/** Who names a grant that there is knows its random id; who does not learns nothing of the key either. */
function findNamed(keyId: string | undefined, grantId: string | undefined, { keyStore, caller }: ActionRequest) {
  if (keyId === undefined || grantId === undefined) {
    throw new ValidationError('Please specify either a grant token or both a key ARN and a grant ID.')
  }
  const { arn } = parseKeyIdentifier(keyId, caller, { aliases: false })
  return keyStore.grants.find(arn, grantId)
}
