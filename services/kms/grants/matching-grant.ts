/** The place where grants join the decision about a key. */

import type { Caller, KeyUse, UsedKey } from '../key-use.ts'
import { findGrant } from './find-grant.ts'
import type { Grants } from './grant-store.ts'

export interface MatchingGrant {
  readonly grantId: string
}

/** @returns the grant on the key that allows the caller this use, constraints included */
export function findMatchingGrant(
  { arn: keyArn }: UsedKey,
  { caller, use, grants }: { caller: Caller; use: KeyUse; grants: Grants },
): MatchingGrant | undefined {
  const { permission: operation, encryptionContext, grantTerms: terms } = use
  const grant = findGrant(grants, caller.subject, { keyArn, operation, encryptionContext, terms })
  return grant && { grantId: grant.id }
}
