/**
 * The policy in force on a key: its own, else the default one of its account, else AWS's (aws-managed-keys.ts).
 *
 * Compiled once for each state of a key. What SNS asks for a session is asked for all sessions of its role that share its
 * data keys. None of them is allowed anything by its own ARN, as the others would have it, too; and what denies something
 * to one by its ARN denies it to all, rather than to nobody. Who is to be told apart is by tags, source identity or session policy.
 *
 * What the key policy says about an accepted message is asked without what was known
 * of the publisher only while it published: whose event it was, tags and source identity of a session, and tags and organization
 * of somebody who is gone. That
 * was decided when the data key was issued, and nobody can say it again.
 */

import { type CompiledPolicy, compilePolicy } from '#shared/policy'
import { managedKeyPolicyOf } from './aws-managed-keys.ts'
import type { KmsKey } from './keystore-file.ts'
import { NO_SESSION_NAME } from './no-session-name.ts'

/** As GetKeyPolicy shows it. */
export function keyPolicyTextOf(key: KmsKey): string {
  if (key.policy !== undefined) return key.policy
  return key.manager === 'AWS'
    ? JSON.stringify(managedKeyPolicyOf(key), undefined, 2)
    : defaultPolicyTextOf(key.account)
}

export function keyPolicyOf(key: KmsKey): CompiledPolicy {
  return remembered(inForce, key, () => compilePolicy(keyPolicyTextOf(key), { kind: 'key' }))
}

/** As it is asked about a publisher of a message. */
export function publisherKeyPolicyOf(key: KmsKey): CompiledPolicy {
  return remembered(ofPublishers, key, () => withoutSessionNames(keyPolicyOf(key)))
}

/**
 * As it is asked about a message that was accepted.
 *
 * @param o.isKnown the principals file still has the publisher, or its role
 * @param o.isSession it is a session of a role, which may have tags of its own
 */
export function acceptedKeyPolicyOf(key: KmsKey, o: { isKnown: boolean; isSession: boolean }): CompiledPolicy {
  const [cache, waived] = o.isKnown
    ? o.isSession
      ? ([ofSessions, SOURCE_OR_SESSION] as const)
      : ([ofKnown, SOURCE] as const)
    : ([ofUnknown, SOURCE_OR_PRINCIPAL] as const)
  return remembered(cache, key, () => waive(publisherKeyPolicyOf(key), waived))
}

/** The policy of a key that leaves everything to the identity policies of an account. */
export function delegatingPolicyOf(account: string): CompiledPolicy {
  const known = delegating.get(account)
  if (known !== undefined) return known
  const policy = compilePolicy(defaultPolicyTextOf(account), { kind: 'key' })
  if (delegating.size >= MAX_ACCOUNTS) delegating.clear()
  delegating.set(account, policy)
  return policy
}

/** As KMS gives it to a key that was created through the API. */
function defaultPolicyTextOf(account: string): string {
  const policy = {
    Version: '2012-10-17',
    Id: 'key-default-1',
    Statement: [
      {
        Sid: 'Enable IAM User Permissions',
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${account}:root` },
        Action: 'kms:*',
        Resource: '*',
      },
    ],
  }
  return JSON.stringify(policy, undefined, 2)
}

const SOURCE = /^aws:source(?:arn|account|orgid|orgpaths|owner)$/i
const SOURCE_OR_SESSION = new RegExp(`${SOURCE.source}|^aws:(?:principaltag/|sourceidentity$)`, 'i')
const SOURCE_OR_PRINCIPAL = new RegExp(`${SOURCE_OR_SESSION.source}|^aws:principal(?:orgid$|orgpaths$)`, 'i')

/** Takes conditions on `keys` for met where a statement allows; what would deny for their sake does not. */
function waive(policy: CompiledPolicy, keys: RegExp): CompiledPolicy {
  if (![...policy.conditionKeys].some((key) => keys.test(key))) return policy
  const document: { Statement: Statement | Statement[] } = JSON.parse(policy.text)
  const statements = [document.Statement].flat().flatMap(({ Condition = {}, ...statement }): Statement[] => {
    const isWaived = Object.values(Condition).some((tests) => Object.keys(tests).some((key) => keys.test(key)))
    if (isWaived && statement.Effect === 'Deny') return []
    const kept = Object.entries(Condition).map(([operator, tests]): [string, Record<string, unknown>] => [
      operator,
      Object.fromEntries(Object.entries(tests).filter(([key]) => !keys.test(key))),
    ])
    const left = kept.filter(([, tests]) => Object.keys(tests).length > 0)
    return [left.length === 0 ? statement : { ...statement, Condition: Object.fromEntries(left) }]
  })
  // Without a statement it would be no policy; one without an action says nothing.
  const Statement = statements.length === 0 ? [{ Effect: 'Allow', Principal: '*' }] : statements
  return compilePolicy(JSON.stringify({ ...document, Statement }), { kind: 'key' })
}

/** `$1` is all but the session's name. */
const SESSION_ARN = /^(arn:[a-z-]+:sts::\d{12}:assumed-role\/[^/]+\/)[^/]+$/

/**
 * Reads the ARN of a session as that of any session of its role where that allows less: in Principal of a Deny and, since it is
 * the exception there, in NotPrincipal of an Allow. Anywhere else it stays, and names nobody that SNS asks for.
 */
function withoutSessionNames(policy: CompiledPolicy): CompiledPolicy {
  const lists = policy.statements.flatMap(({ principals, notPrincipals }) => [principals, notPrincipals])
  if (!lists.some((list) => list?.aws.some((arn) => SESSION_ARN.test(arn)))) return policy
  const document: { Statement: Statement | Statement[] } = JSON.parse(policy.text)
  const Statement = [document.Statement].flat().map((statement) => {
    const element = statement.Effect === 'Deny' ? 'Principal' : 'NotPrincipal'
    const named = statement[element]
    if (typeof named !== 'object' || named.AWS === undefined) return statement
    const AWS = [named.AWS].flat().map((arn) => arn.replace(SESSION_ARN, `$1${NO_SESSION_NAME}`))
    return { ...statement, [element]: { ...named, AWS } }
  })
  return compilePolicy(JSON.stringify({ ...document, Statement }), { kind: 'key' })
}

type Named = string | { AWS?: string | string[] }

interface Statement {
  Effect?: string
  Principal?: Named
  NotPrincipal?: Named
  Condition?: Record<string, Record<string, unknown>>
}

type Cache = WeakMap<KmsKey, CompiledPolicy>

// A changed key is another object.
const inForce: Cache = new WeakMap()
const ofPublishers: Cache = new WeakMap()
const ofKnown: Cache = new WeakMap()
const ofSessions: Cache = new WeakMap()
const ofUnknown: Cache = new WeakMap()
const delegating = new Map<string, CompiledPolicy>()
const MAX_ACCOUNTS = 1_000

function remembered(cache: Cache, key: KmsKey, make: () => CompiledPolicy): CompiledPolicy {
  const policy = cache.get(key) ?? make()
  cache.set(key, policy)
  return policy
}
