/** What is in the principals file, without its secrets. */

import { assertRole, entryWithPolicies, findPolicy } from './change-policies.ts'
import { findEntry } from './change-principals-file.ts'
import { parsePrincipalArn } from './principal-arn.ts'
import { accessKeysOf, type PrincipalEntry, type PrincipalsDocument } from './principals-file.ts'
import { readPrincipalsFile } from './read-principals-file.ts'

export interface ListedPrincipal {
  kind: 'user' | 'root' | 'role' | 'service'
  /** Of all but services. */
  arn?: string
  service?: string
  /** Of a user or root its user id, of a role its role id. */
  id?: string
  organizationId?: string
  accessKeys: { id: string; status: 'Active' | 'Inactive'; createdAt: string }[]
  /** Names. */
  policies: string[]
  tags?: Readonly<Record<string, string>>
  maxSessionSeconds?: number
  kmsRoleArn?: string
}

/** @throws what reading the file throws */
export async function listPrincipals(file: string): Promise<ListedPrincipal[]> {
  const { document } = await readPrincipalsFile(file)
  return document.principals.map((entry) => describe(entry, document))
}

/**
 * @param name an ARN, or a service's name
 * @throws {PrincipalNotFoundError}
 * @throws what reading the file throws
 */
export async function listPolicies(file: string, name: string): Promise<string[]> {
  return Object.keys(entryWithPolicies(findEntry((await readPrincipalsFile(file)).document, name)).policies)
}

/**
 * @param o.name of an identity policy; without one the trust policy
 * @throws {PolicyNotFoundError}
 * @throws {PrincipalArnError} when it is no principal that has such a policy
 * @throws {PrincipalNotFoundError}
 * @throws what reading the file throws
 */
export async function readPolicyOf(file: string, arn: string, o: { name?: string }): Promise<object> {
  const entry = findEntry((await readPrincipalsFile(file)).document, arn)
  return o.name === undefined ? assertRole(entry).trustPolicy : findPolicy(entry, o.name)
}

/** Each field is named: a field that is added to the file one day, a secret maybe, is not listed by itself. */
function describe(entry: PrincipalEntry, document: PrincipalsDocument): ListedPrincipal {
  const accessKeys = accessKeysOf(entry).map(({ id, status, createdAt }) => ({
    id,
    status: status ?? 'Active',
    createdAt: new Date(createdAt).toISOString(),
  }))
  if ('service' in entry) return { kind: 'service', service: entry.service, accessKeys, policies: [] }
  const { account, kind } = parsePrincipalArn(entry.arn)
  const organizationId = document.accounts?.[account]?.organizationId
  const { tags, kmsRoleArn } = 'policies' in entry ? entry : {}
  return {
    kind,
    arn: entry.arn,
    id: 'roleId' in entry ? entry.roleId : entry.userId,
    ...(organizationId === undefined ? {} : { organizationId }),
    accessKeys,
    policies: 'policies' in entry ? Object.keys(entry.policies) : [],
    ...(tags === undefined ? {} : { tags }),
    ...('roleId' in entry && entry.maxSessionSeconds !== undefined
      ? { maxSessionSeconds: entry.maxSessionSeconds }
      : {}),
    ...(kmsRoleArn === undefined ? {} : { kmsRoleArn }),
  }
}
