/** Who may retire a grant. Pure. */

import { type Grantee, namesOf } from './find-grant.ts'
import type { Grant } from './grant.ts'

/**
 * What entitles a principal to retire a grant: the grant itself, or that it is of the account which made
 * it, whose own policies must allow it then; the account's root needs none.
 */
export function retirementRight(
  grant: Grant,
  principal: Grantee & { account: string },
): 'grant' | 'account' | undefined {
  const names = namesOf(principal)
  if (grant.retiringPrincipal !== undefined && names.includes(grant.retiringPrincipal)) return 'grant'
  if (grant.operations.includes('RetireGrant') && names.includes(grant.granteePrincipal)) return 'grant'
  return principal.kind !== 'service' && principal.account === grant.issuingAccount ? 'account' : undefined
}
