/** The place where grants join the decision: there are none yet. */

import type { Caller, KeyUse, UsedKey } from './key-use.ts'

export interface MatchingGrant {
  readonly grantId: string
}

/** @returns the grant on the key that allows the caller this use, constraints included */
export function findMatchingGrant(_key: UsedKey, _o: { caller: Caller; use: KeyUse }): MatchingGrant | undefined {
  return undefined
}
