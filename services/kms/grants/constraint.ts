/** Whether an encryption context, or the terms of another grant, keep within a grant's constraint. Pure. */

import type { EncryptionContext } from '../encryption-context.ts'
import type { GrantConstraint, GrantTerms } from './grant.ts'

/** Operations without an encryption context, to which no constraint applies. */
const UNCONSTRAINED: ReadonlySet<string> = new Set(['DescribeKey', 'RetireGrant'])

/** @param context undefined: the operation has none, so that no constraint on one can be met */
export function meetsConstraint(
  constraint: GrantConstraint | undefined,
  o: { operation: string; context: EncryptionContext | undefined },
): boolean {
  if (constraint === undefined || UNCONSTRAINED.has(o.operation)) return true
  const { context } = o
  if (context === undefined) return false
  const hasAll = includesPairs(context, constraint.pairs)
  return constraint.type === 'subset' ? hasAll : hasAll && context.size === constraint.pairs.size
}

/**
 * Whether a grant with terms `child` allows nothing that one with terms `parent` does not: what a grantee
 * who may CreateGrant by a grant alone may hand on.
 */
export function isWithin(child: GrantTerms, parent: GrantTerms): boolean {
  return (
    child.operations.every((operation) => parent.operations.includes(operation)) &&
    isConstraintWithin(child.constraint, parent.constraint)
  )
}

function isConstraintWithin(child: GrantConstraint | undefined, parent: GrantConstraint | undefined): boolean {
  if (parent === undefined) return true
  if (child === undefined || !includesPairs(child.pairs, parent.pairs)) return false
  if (parent.type === 'subset') return true
  return child.type === 'equals' && child.pairs.size === parent.pairs.size
}

/** Exactly: names and values are case-sensitive, as in the context itself. */
function includesPairs(all: EncryptionContext, some: EncryptionContext): boolean {
  return [...some].every(([name, value]) => all.get(name) === value)
}
