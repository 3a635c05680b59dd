/**
 * CreateGrant: lets a principal do some operations with a key. In force when it is answered.
 *
 * Whoever may create grants by a grant alone hands on no more than that grant allows (find-grant.ts).
 */

import { DryRunError } from '../../errors.ts'
import type { GrantTerms } from '../../grants/grant.ts'
import { requireEnabled } from '../../key-states.ts'
import { type Action, KEY_ID_RULES, resolveKey } from '../action.ts'
import { readGrantTokens } from './read-grant-tokens.ts'
import { checkTerms, readTerms } from './read-terms.ts'

export const createGrant: Action = async (request) => {
  const { keyId, terms, isDryRun } = request.readMembers((read) => {
    readGrantTokens(read, request)
    return {
      keyId: read.requiredText('KeyId', KEY_ID_RULES),
      terms: readTerms(read),
      isDryRun: read.flag('DryRun'),
    }
  })
  checkTerms(terms)
  const key = resolveKey(keyId, request, {
    aliases: false,
    encryptionContext: terms.constraint?.pairs,
    conditions: grantConditions(terms),
    grantTerms: terms,
  })
  requireEnabled(key)
  if (isDryRun) throw new DryRunError()
  const { account: issuingAccount } = request.caller
  const created = await request.keyStore.createGrant({ ...terms, keyArn: key.arn, issuingAccount }, requireEnabled)
  return { GrantId: created.grant.id, GrantToken: created.token }
}

/** Condition keys of CreateGrant. */
function grantConditions({ granteePrincipal, retiringPrincipal, operations, constraint }: GrantTerms) {
  const known = new Map<string, string | readonly string[]>([
    ['kms:granteeprincipal', granteePrincipal],
    ['kms:grantoperations', operations],
    // No service of AWS's asks here for its resources.
    ['kms:grantisforawsresource', 'false'],
  ])
  if (retiringPrincipal !== undefined) known.set('kms:retiringprincipal', retiringPrincipal)
  if (constraint !== undefined) known.set('kms:grantconstrainttype', CONSTRAINT_TYPES[constraint.type])
  return known
}

const CONSTRAINT_TYPES = { equals: 'EncryptionContextEquals', subset: 'EncryptionContextSubset' } as const
