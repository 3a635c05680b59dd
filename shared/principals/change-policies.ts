/** Identity policies of users and roles, and roles' trust policies. */

import { changeEntry, type WriteOptions } from './change-principals-file.ts'
import { createPolicyCompiler } from './compile-policies.ts'
import { PolicyNameError, PolicyNotFoundError, PrincipalArnError } from './errors.ts'
import { checkPolicies, checkTrustPolicy } from './policy-limits.ts'
import { nameOf, type PolicyDocuments, type PrincipalEntry, type RoleEntry, type UserEntry } from './principals-file.ts'

const POLICY_NAME = /^[\w+=,.@-]{1,128}$/

/**
 * Gives a user or role a policy; one that it has under this name is replaced.
 *
 * @param o.text of the document
 * @throws {PolicyNameError} when a policy cannot be called so
 * @throws {MalformedPolicyError} when the document is no identity policy
 * @throws {PolicyTooLargeError} when its policies together would be
 * @throws {PrincipalArnError} when it is no principal that has policies
 * @throws what `changeEntry` throws
 */
export async function putPolicy(
  file: string,
  arn: string,
  o: { name: string; text: string } & WriteOptions,
): Promise<void> {
  const { name } = o
  assertPolicyName(name)
  const document = readPolicy(o.text, 'identity')
  await changeEntry(file, arn, o, (entry) => {
    const policies = { ...policiesOf(entry), [name]: document }
    checkPolicies(arn, policies)
    return [{ ...entryWithPolicies(entry), policies }, undefined]
  })
}

/**
 * @throws {PolicyNotFoundError} when it has no policy of this name
 * @throws what `changeEntry` throws
 */
export async function removePolicy(file: string, arn: string, o: { name: string } & WriteOptions): Promise<void> {
  await changeEntry(file, arn, o, (entry) => {
    findPolicy(entry, o.name)
    const { [o.name]: _, ...policies } = policiesOf(entry)
    return [{ ...entryWithPolicies(entry), policies }, undefined]
  })
}

/**
 * Replaces who may assume a role.
 *
 * @throws {MalformedPolicyError} when the document is no trust policy
 * @throws {PolicyTooLargeError}
 * @throws {PrincipalArnError} when it is no role
 * @throws what `changeEntry` throws
 */
export async function putTrustPolicy(file: string, arn: string, o: { text: string } & WriteOptions): Promise<void> {
  const trustPolicy = readPolicy(o.text, 'trust')
  checkTrustPolicy(arn, trustPolicy)
  await changeEntry(file, arn, o, (entry) => [{ ...assertRole(entry), trustPolicy }, undefined])
}

/**
 * Checks a document as the engine will, before anything is made of it: what stands twice in it, say, is
 * lost once it has been parsed.
 */
export function readPolicy(text: string, kind: 'identity' | 'trust'): PolicyDocuments[string] {
  createPolicyCompiler().compile(text, kind)
  return JSON.parse(text)
}

/** @throws {PolicyNameError} */
export function assertPolicyName(name: string): void {
  if (POLICY_NAME.test(name) && name !== '__proto__') return
  throw new PolicyNameError(
    'Cannot use this name for a policy: it must have 1 to 128 characters, letters, digits and +=,.@_-',
  )
}

/** @throws {PolicyNotFoundError} */
export function findPolicy(entry: PrincipalEntry, name: string): object {
  const policies = policiesOf(entry)
  const document = Object.hasOwn(policies, name) ? policies[name] : undefined
  if (document === undefined) {
    throw new PolicyNotFoundError(`Cannot find this policy of ${nameOf(entry)}: it has none of this name`)
  }
  return document
}

/** @throws {PrincipalArnError} when it is no role */
export function assertRole(entry: PrincipalEntry): RoleEntry {
  if ('roleId' in entry) return entry
  throw new PrincipalArnError(`Cannot do this to ${nameOf(entry)}: it is no role`)
}

function policiesOf(entry: PrincipalEntry): PolicyDocuments {
  return entryWithPolicies(entry).policies
}

/** @throws {PrincipalArnError} when its kind has no policies */
export function entryWithPolicies(entry: PrincipalEntry): UserEntry | RoleEntry {
  if ('policies' in entry) return entry
  throw new PrincipalArnError(
    `Cannot do this to ${nameOf(entry)}: only users and roles have policies, tags and a role for KMS`,
  )
}
