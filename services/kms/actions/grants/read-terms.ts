/** Reads what a caller of CreateGrant asks for, with the rules of KMS's model and those that stand beside it. */

import { InvalidArnError, ValidationError } from '../../errors.ts'
import {
  GRANT_OPERATIONS,
  type GrantConstraint,
  type GrantTerms,
  SYMMETRIC_GRANT_OPERATIONS,
} from '../../grants/grant.ts'
import type { MemberReader } from '../../members.ts'

export const PRINCIPAL_RULES = { min: 1, max: 256, pattern: /^[\w+=,.@:/-]+$/ } as const

const NAME_RULES = { min: 1, max: 256, pattern: /^[a-zA-Z0-9:/_-]+$/ } as const

/** KMS's limits on a constraint, of pairs and of the characters of a value. It has none on names, which one file must hold. */
const CONSTRAINT_LIMITS = { maxPairs: 8, maxLength: 384 } as const

/** Users, roles, sessions of roles and the root of an account; no groups, services or organizations. */
const PRINCIPAL_ARN =
  /^arn:aws:(?:iam::\d{12}:(?:root|(?:user|role)\/[\w+=,.@/-]+)|sts::\d{12}:(?:assumed-role|federated-user)\/[\w+=,.@/-]+)$/

export function readTerms(read: MemberReader): GrantTerms {
  const constraint = read.structure('Constraints', (constraints) => {
    const equals = constraints.limitedMap('EncryptionContextEquals', CONSTRAINT_LIMITS)
    const subset = constraints.limitedMap('EncryptionContextSubset', CONSTRAINT_LIMITS)
    if (equals !== undefined && subset !== undefined) {
      constraints.refuse('Please specify either EncryptionContextEquals or EncryptionContextSubset.')
    }
    return constraintOf(equals, subset)
  })
  return {
    name: read.text('Name', NAME_RULES),
    granteePrincipal: read.requiredText('GranteePrincipal', PRINCIPAL_RULES),
    retiringPrincipal: read.text('RetiringPrincipal', PRINCIPAL_RULES),
    operations: read.requiredChoices('Operations', GRANT_OPERATIONS),
    constraint,
  }
}

/**
 * @throws {InvalidArnError} for a principal to whom nothing can be granted
 * @throws {ValidationError} for an operation that a symmetric key cannot do
 */
export function checkTerms({ granteePrincipal, retiringPrincipal, operations }: GrantTerms): void {
  requirePrincipal(granteePrincipal)
  if (retiringPrincipal !== undefined) requirePrincipal(retiringPrincipal)
  if (operations.length === 0) throw new ValidationError('The list of grant operations must not be empty.')
  const foreign = operations.find((operation) => !SYMMETRIC_GRANT_OPERATIONS.has(operation))
  if (foreign === undefined) return
  throw new ValidationError(`The operation ${foreign} is not supported by a KMS key of the key spec SYMMETRIC_DEFAULT.`)
}

/** @throws {InvalidArnError} */
export function requirePrincipal(arn: string): void {
  if (!PRINCIPAL_ARN.test(arn)) throw new InvalidArnError('ARN does not refer to a valid principal.')
}

function constraintOf(
  equals: GrantConstraint['pairs'] | undefined,
  subset: GrantConstraint['pairs'] | undefined,
): GrantConstraint | undefined {
  if (equals !== undefined) return { type: 'equals', pairs: equals }
  return subset && { type: 'subset', pairs: subset }
}
