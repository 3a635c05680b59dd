/**
 * From the file's document to what is asked of it: by access key, by ARN, by a service's name. Pure; the
 * policies are compiled here, so that a file with a bad one is refused as a whole.
 */

import { createHash } from 'node:crypto'
import { DocumentError } from '#shared/config'
import { BrokerError } from '#shared/errors'
import type { CompiledPolicy, NamedPolicy } from '#shared/policy'
import type { PolicyCompiler } from './compile-policies.ts'
import type { Principal, Role, Signer } from './principal.ts'
import { parsePrincipalArn, roleNameOf } from './principal-arn.ts'
import type { PolicyDocuments, PrincipalEntry, PrincipalsDocument, RoleEntry } from './principals-file.ts'
import { accessKeysOf } from './principals-file.ts'

export interface PrincipalIndex {
  /** Active keys alone. */
  findByAccessKey(accessKeyId: string): Signer | undefined
  /** By the ARN of a user or root; by a role's, a session of it without a name or a session policy. */
  findPrincipal(arn: string): Principal | undefined
  findRole(arn: string): Role | undefined
  /** By what the ARN of a session says of it: a name without its path, which no two roles of an account share. */
  findRoleByName(o: { account: string; name: string }): Role | undefined
  findService(name: string): Principal | undefined
  /** Everybody who could sign, in the file's order: of a role what `findPrincipal` tells of it, services too. */
  all(): readonly Principal[]
}

const DEFAULT_SESSION_SECONDS = 3_600

/** @throws {DocumentError} when one of its policies is none, naming principal, policy and place */
export function indexPrincipals(document: PrincipalsDocument, compiler: PolicyCompiler): PrincipalIndex {
  const signers = new Map<string, Signer>()
  const principals = new Map<string, Principal>()
  const roles = new Map<string, Role>()
  const rolesByName = new Map<string, Role>()
  const services = new Map<string, Principal>()
  const all: Principal[] = []
  for (const entry of document.principals) {
    const principal = principalOf(entry, document, compiler)
    all.push(principal)
    if ('service' in entry) services.set(entry.service, principal)
    else principals.set(entry.arn, principal)
    if ('roleId' in entry) {
      const role = roleOf(entry, principal, compiler)
      roles.set(entry.arn, role)
      rolesByName.set(`${role.account}/${roleNameOf(entry.arn)}`, role)
    }
    for (const { id, secret, status } of accessKeysOf(entry)) {
      if (status !== 'Inactive') signers.set(id, Object.freeze({ principal, secretAccessKey: secret }))
    }
  }
  return {
    findByAccessKey: (id) => signers.get(id),
    findPrincipal: (arn) => principals.get(arn),
    findRole: (arn) => roles.get(arn),
    findRoleByName: ({ account, name }) => rolesByName.get(`${account}/${name}`),
    findService: (name) => services.get(name),
    all: () => all,
  }
}

function principalOf(entry: PrincipalEntry, document: PrincipalsDocument, compiler: PolicyCompiler): Principal {
  if ('service' in entry) {
    const { service } = entry
    const version = versionOf([service])
    return Object.freeze({
      ...NOTHING,
      kind: 'service',
      arn: service,
      account: 'aws',
      userId: service,
      publisher: service,
      version,
    })
  }
  const { account, kind } = parsePrincipalArn(entry.arn)
  const organizationId = document.accounts?.[account]?.organizationId
  const { policies = {}, tags = {}, kmsRoleArn } = 'policies' in entry ? entry : {}
  const userId = 'roleId' in entry ? entry.roleId : entry.userId
  return Object.freeze({
    kind: kind === 'role' ? 'role-session' : kind,
    arn: entry.arn,
    account,
    userId,
    ...(kind === 'role' ? { roleArn: entry.arn } : {}),
    policies: compileAll(entry.arn, policies, compiler),
    tags: new Map(Object.entries(tags)),
    ...(organizationId === undefined ? {} : { organizationId }),
    ...(kmsRoleArn === undefined ? {} : { kmsRoleArn }),
    publisher: entry.arn,
    version: versionOf([entry.arn, userId, policies, tags, organizationId, kmsRoleArn]),
  })
}

function roleOf(entry: RoleEntry, principal: Principal, compiler: PolicyCompiler): Role {
  const { arn, account, policies, tags, organizationId, kmsRoleArn, version } = principal
  return Object.freeze({
    arn,
    account,
    roleId: entry.roleId,
    trustPolicy: compile(entry.trustPolicy, 'trust', `the trust policy of ${arn}`, compiler),
    policies,
    maxSessionSeconds: entry.maxSessionSeconds ?? DEFAULT_SESSION_SECONDS,
    tags,
    ...(organizationId === undefined ? {} : { organizationId }),
    ...(kmsRoleArn === undefined ? {} : { kmsRoleArn }),
    version,
  })
}

const NOTHING = { policies: [], tags: new Map<string, string>() } as const

function compileAll(arn: string, policies: PolicyDocuments, compiler: PolicyCompiler): readonly NamedPolicy[] {
  return Object.entries(policies).map(([name, document]) => ({
    name,
    policy: compile(document, 'identity', `the policy ${name} of ${arn}`, compiler),
  }))
}

function compile(document: object, kind: 'identity' | 'trust', what: string, compiler: PolicyCompiler): CompiledPolicy {
  try {
    return compiler.compile(JSON.stringify(document), kind)
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    throw new DocumentError(`Cannot read the principals file: bad ${what}. ${error.message}`)
  }
}

/** JSON of an array tells its parts apart; 128 bits so that no two are taken for each other. */
function versionOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 22)
}
