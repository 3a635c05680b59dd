/** Which grant allows an operation. Pure. */

import type { EncryptionContext } from '../encryption-context.ts'
import { isWithin, meetsConstraint } from './constraint.ts'
import type { Grant, GrantTerms } from './grant.ts'
import type { Grants } from './grant-store.ts'

/** Who asks. A session uses what was granted to its role, or to itself; services are granted nothing. */
export interface Grantee {
  readonly kind: 'user' | 'root' | 'role-session' | 'service'
  readonly arn: string
  readonly roleArn?: string | undefined
}

export interface GrantedUse {
  readonly keyArn: string
  /** Without `kms:`. */
  readonly operation: string
  /** Absent: the operation has none. */
  readonly encryptionContext?: EncryptionContext | undefined
  /** CreateGrant: what is to be granted, which must be within the grant itself. */
  readonly terms?: GrantTerms | undefined
}

/** @returns undefined when no grant allows it */
export function findGrant(
  grants: Pick<Grants, 'ofGrantee'>,
  grantee: Grantee,
  { keyArn, operation, encryptionContext: context, terms }: GrantedUse,
): Grant | undefined {
  for (const principal of namesOf(grantee)) {
    for (const grant of grants.ofGrantee(keyArn, principal)) {
      if (!grant.operations.includes(operation)) continue
      const isMet =
        terms === undefined ? meetsConstraint(grant.constraint, { operation, context }) : isWithin(terms, grant)
      if (isMet) return grant
    }
  }
  return undefined
}

/** The ARNs by which a grant may name somebody. */
export function namesOf({ kind, arn, roleArn }: Grantee): readonly string[] {
  if (kind === 'service') return []
  return roleArn === undefined || roleArn === arn ? [arn] : [arn, roleArn]
}
