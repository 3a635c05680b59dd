/** What CreateGrant makes of what was asked: another grant, or the named one that is there. Pure but for the random id. */

import { randomBytes } from 'node:crypto'
import { LimitExceededError } from '../errors.ts'
import type { Grant, GrantTerms } from './grant.ts'
import type { Grants } from './grant-store.ts'

export type NewGrant = GrantTerms & Pick<Grant, 'keyArn' | 'issuingAccount'>

export interface CreatedGrant {
  readonly grant: Grant
  /** Fresh each time. */
  readonly token: string
}

/** KMS's quota. */
export const MAX_GRANTS_OF_KEY = 50_000

/** @throws {LimitExceededError} when the key has as many as it may */
export function addGrant(
  grants: Pick<Grants, 'findSame' | 'count'>,
  terms: NewGrant,
  now: number,
): { grant: Grant; isNew: boolean } {
  const same = grants.findSame(terms.keyArn, terms)
  if (same !== undefined) return { grant: same, isNew: false }
  if (grants.count(terms.keyArn) >= MAX_GRANTS_OF_KEY) {
    throw new LimitExceededError(`The key has ${MAX_GRANTS_OF_KEY} grants, as many as there may be.`)
  }
  return { grant: { ...terms, id: randomBytes(32).toString('hex'), createdAt: now }, isNew: true }
}
