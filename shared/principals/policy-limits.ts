/**
 * How large IAM lets policies be. Rules: IAM User Guide, "IAM and AWS STS quotas": the inline policies of a
 * user 2,048 characters together, of a role 10,240, a trust policy 2,048; white space does not count.
 */

import { PolicyTooLargeError } from './errors.ts'
import { parsePrincipalArn } from './principal-arn.ts'
import type { PolicyDocuments } from './principals-file.ts'

const MAX_CHARACTERS = { user: 2_048, role: 10_240, root: 0 }
const MAX_TRUST_POLICY_CHARACTERS = 2_048

/** @throws {PolicyTooLargeError} when these are more than that principal may have */
export function checkPolicies(arn: string, policies: PolicyDocuments): void {
  const { kind } = parsePrincipalArn(arn)
  const size = Object.values(policies).reduce((sum, document) => sum + charactersOf(document), 0)
  if (size <= MAX_CHARACTERS[kind]) return
  throw new PolicyTooLargeError(
    `Cannot give ${arn} these policies: those of a ${kind} must have at most ${MAX_CHARACTERS[kind]} characters ` +
      `together, without white space, current value is ${size}`,
  )
}

/** @throws {PolicyTooLargeError} */
export function checkTrustPolicy(arn: string, document: object): void {
  const size = charactersOf(document)
  if (size <= MAX_TRUST_POLICY_CHARACTERS) return
  throw new PolicyTooLargeError(
    `Cannot give ${arn} this trust policy: it must have at most ${MAX_TRUST_POLICY_CHARACTERS} characters, ` +
      `without white space, current value is ${size}`,
  )
}

function charactersOf(document: object): number {
  return JSON.stringify(document).replaceAll(/\s/g, '').length
}
