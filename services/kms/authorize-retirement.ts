/**
 * Whether the caller may retire a grant: grants/retirement.ts says what entitles to it. The grant decides where it names the
 * caller, unless a policy denies; who only belongs to the account that made it needs a policy of its own.
 */

import { decideByResourcePolicy, decideByUnion } from '#shared/policy'
import type { ActionRequest } from './actions/action.ts'
import { denialText } from './denial-text.ts'
import { AccessDeniedError } from './errors.ts'
import type { Grant } from './grants/grant.ts'
import { retirementRight } from './grants/retirement.ts'
import { keyPolicyOf } from './key-policy.ts'
import type { KmsKey } from './keystore-file.ts'

const PERMISSION = 'RetireGrant'

/** @throws {AccessDeniedError} */
export function authorizeRetirement(grant: Grant, key: KmsKey, { caller }: Pick<ActionRequest, 'caller'>): void {
  const { subject, notes, arn } = caller
  const resource = grant.keyArn
  const request = { subject, action: `kms:${PERMISSION}`, resource, context: caller.conditions }
  const isNamed = retirementRight(grant, subject) === 'grant'
  const decision = isNamed
    ? decideByResourcePolicy({ ...request, resourceAccount: key.account }, keyPolicyOf(key), { id: grant.id })
    : // In another account than the one that made it nothing is allowed without a grant.
      decideByUnion({ ...request, resourceAccount: grant.issuingAccount })
  if (notes !== undefined) Object.assign(notes, { resource, decision })
  if (!decision.allowed) throw new AccessDeniedError(denialText(decision, { arn, permission: PERMISSION, resource }))
}
