/**
 * Adds a principal to the principals file, with its first access key where it has any, and makes the file
 * when there is none.
 */

import { changePrincipalsFile, type WriteOptions } from './change-principals-file.ts'
import { createAccessKey, createUniqueId, type NewAccessKey } from './create-access-key.ts'
import { PrincipalArnError, PrincipalExistsError } from './errors.ts'
import { checkPolicies, checkTrustPolicy } from './policy-limits.ts'
import { assertServiceName, parsePrincipalArn } from './principal-arn.ts'
import {
  type AccessKeyEntry,
  givenNameOf,
  nameOf,
  type PolicyDocuments,
  type PrincipalEntry,
  type PrincipalsDocument,
} from './principals-file.ts'

export interface NewPrincipal extends NewAccessKey {
  arn: string
}

export interface NewService extends NewAccessKey {
  service: string
}

interface Attributes {
  /** By name; without any it may do nothing. */
  policies?: PolicyDocuments
  tags?: Readonly<Record<string, string>>
  kmsRoleArn?: string
}

/**
 * @param o.arn of a user or of an account's root, who may do everything in the account without a policy
 * @returns the only copy of the secret outside the file
 * @throws {PrincipalArnError} when the ARN is none of a user or root
 * @throws {PrincipalExistsError} when it is in the file already
 * @throws {PolicyTooLargeError} when its policies are
 * @throws what `changePrincipalsFile` throws
 */
export async function addPrincipal(
  file: string,
  o: { arn: string } & Attributes & WriteOptions,
): Promise<NewPrincipal> {
  const { account, kind } = parsePrincipalArn(o.arn)
  if (kind === 'role') throw new PrincipalArnError(`Cannot add ${o.arn}: a role has no access keys`)
  if (kind === 'root' && hasAttributes(o)) {
    throw new PrincipalArnError(`Cannot add ${o.arn}: a root has no policies, tags and roles`)
  }
  const policies = o.policies ?? {}
  checkPolicies(o.arn, policies)
  const key = await addWithKey(file, o, o.arn, (accessKeys) =>
    kind === 'root'
      ? { arn: o.arn, userId: account, accessKeys }
      : { arn: o.arn, userId: createUniqueId('AIDA'), accessKeys, policies, ...attributesOf(o) },
  )
  return { arn: o.arn, ...key }
}

/**
 * @param o.service as in `Principal: {"Service": …}`
 * @throws {PrincipalArnError} when a service cannot be called so
 * @throws {PrincipalExistsError} when it is in the file already
 * @throws what `changePrincipalsFile` throws
 */
export async function addService(file: string, o: { service: string } & WriteOptions): Promise<NewService> {
  const { service } = o
  assertServiceName(service)
  return { service, ...(await addWithKey(file, o, service, (accessKeys) => ({ service, accessKeys }))) }
}

/**
 * Adds a role, which has no access keys: who may assume it stands in its trust policy.
 *
 * @param o.maxSessionSeconds 3,600 to 43,200
 * @throws as `addPrincipal`
 */
export async function addRole(
  file: string,
  o: { arn: string; trustPolicy: PolicyDocuments[string]; maxSessionSeconds?: number } & Attributes & WriteOptions,
): Promise<{ arn: string }> {
  const { arn, trustPolicy } = o
  if (parsePrincipalArn(arn).kind !== 'role') throw new PrincipalArnError(`Cannot add ${arn}: it is no role's ARN`)
  const policies = o.policies ?? {}
  checkPolicies(arn, policies)
  checkTrustPolicy(arn, trustPolicy)
  const { maxSessionSeconds } = o
  return changePrincipalsFile(file, { ...o, isFirst: true }, (document) => {
    const entry = {
      arn,
      roleId: createUniqueId('AROA'),
      trustPolicy,
      policies,
      ...(maxSessionSeconds === undefined ? {} : { maxSessionSeconds }),
      ...attributesOf(o),
    }
    return [withEntry(document, entry), { arn }]
  })
}

async function addWithKey(
  file: string,
  o: WriteOptions,
  name: string,
  entryWith: (accessKeys: AccessKeyEntry[]) => PrincipalEntry,
): Promise<NewAccessKey> {
  return changePrincipalsFile(file, { ...o, isFirst: true }, (document, now) => {
    const accessKey = createAccessKey(now)
    const added = { accessKeyId: accessKey.id, secretAccessKey: accessKey.secret }
    return [withEntry(document, entryWith([accessKey]), name), added]
  })
}

function withEntry(document: PrincipalsDocument, entry: PrincipalEntry, name = nameOf(entry)): PrincipalsDocument {
  if (document.principals.some((other) => nameOf(other) === name)) {
    throw new PrincipalExistsError(`Cannot add ${name}: it is in the principals file already`)
  }
  const given = givenNameOf(entry)
  if (document.principals.some((other) => givenNameOf(other) === given)) {
    throw new PrincipalExistsError(
      `Cannot add ${name}: its account has one of that name, under another path or in other case`,
    )
  }
  return { ...document, principals: [...document.principals, entry] }
}

function hasAttributes({ policies = {}, tags = {}, kmsRoleArn }: Attributes): boolean {
  return Object.keys(policies).length > 0 || Object.keys(tags).length > 0 || kmsRoleArn !== undefined
}

function attributesOf({ tags, kmsRoleArn }: Attributes) {
  return {
    ...(tags === undefined || Object.keys(tags).length === 0 ? {} : { tags: { ...tags } }),
    ...(kmsRoleArn === undefined ? {} : { kmsRoleArn }),
  }
}
