/** Whether the caller may retire a grant: grants/retirement.ts says what entitles to it. */

import type { ActionRequest } from './actions/action.ts'
import { AccessDeniedError } from './errors.ts'
import type { Grant } from './grants/grant.ts'
import { retirementRight } from './grants/retirement.ts'

/** @throws {AccessDeniedError} */
export function authorizeRetirement(grant: Grant, { caller }: Pick<ActionRequest, 'caller'>): void {
  const allowed = retirementRight(grant, { kind: 'user', ...caller }) !== undefined
  if (caller.notes !== undefined) {
    caller.notes.resource = grant.keyArn
    caller.notes.decision = { allowed, ...(allowed ? {} : { reason: 'no-resource-allow' }) }
  }
  if (allowed) return
  throw new AccessDeniedError(
    `User: ${caller.arn} is not authorized to perform: kms:RetireGrant on resource: ${grant.keyArn} ` +
      'because no resource-based policy allows the kms:RetireGrant action',
  )
}
