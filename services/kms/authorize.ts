/**
 * Who may do what: key policies, identity policies, session policies and grants, and what the broker may ask for a publisher.
 *
 * A key's own account may be left to identity policies by its policy; another account needs both sides, and only for the
 * operations that KMS lets cross accounts. What SNS needs of a publisher is both GenerateDataKey and Decrypt. For a message
 * that was accepted from somebody the key policy alone decides: a publisher that is gone strands nothing.
 *
 * Nobody learns more of a key than of one that does not exist: who would be refused there gets that same answer here.
 */

import { randomUUID } from 'node:crypto'
import { type CompiledPolicy, type Decision, decideByResourcePolicy, decideByUnion, type Subject } from '#shared/policy'
import { denialText } from './denial-text.ts'
import { AccessDeniedError } from './errors.ts'
import { EVERYTHING } from './everything.ts'
import { findMatchingGrant } from './grants/matching-grant.ts'
import { accountConditions, keyConditions } from './key-conditions.ts'
import { keyArnOf } from './key-identifier.ts'
import { acceptedKeyPolicyOf, delegatingPolicyOf, keyPolicyOf, publisherKeyPolicyOf } from './key-policy.ts'
import type { KeyStore } from './key-store.ts'
import type { Caller, Conditions, KeyUse } from './key-use.ts'
import type { KmsKey, Tag } from './keystore-file.ts'

interface Request {
  readonly caller: Caller
  readonly keyStore: KeyStore
}

/** What works with a key of another account. */
const ACROSS_ACCOUNTS: ReadonlySet<string> = new Set([
  ...['Encrypt', 'Decrypt', 'ReEncryptFrom', 'ReEncryptTo', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext'],
  ...['DescribeKey', 'GetKeyRotationStatus', 'CreateGrant', 'ListGrants', 'RetireGrant', 'RevokeGrant'],
])

/** Each is of no use to a publisher without the other. */
const PUBLISHING = ['GenerateDataKey', 'Decrypt']

/**
 * Decides whether the caller may do to its account what concerns no one key.
 *
 * @param o.resource `*`, or the ARN of what is concerned
 * @throws {AccessDeniedError}
 */
export function authorizeAccount(
  { caller }: Pick<Request, 'caller'>,
  permission: string,
  o: { resource?: string; conditions?: Conditions; requestTags?: readonly Tag[] | undefined } = {},
): void {
  const { resource = '*', conditions = new Map(), requestTags } = o
  const { subject, account } = caller
  const contexts = accountConditions(new Map([...caller.conditions, ...conditions]), requestTags)
  const about = { subject, action: `kms:${permission}`, resource, resourceAccount: account }
  const decision = first(contexts.map((context) => decideByUnion({ ...about, context })))
  settle(caller, { ...decision, permission }, resource)
}

/**
 * Decides whether the caller may use this key so.
 *
 * @param o.named what the request calls the key: a refusal that tells nothing of the key names that
 * @param o.unknown what is said to who may know nothing of the key; the usual text unless told
 * @throws {AccessDeniedError}
 */
export function authorizeKey(
  request: Request,
  key: KmsKey,
  use: KeyUse,
  { named = key.arn, unknown }: { named?: string; unknown?: string } = {},
): void {
  const decision = decideKeyUse(request, key, use)
  if (!decision.allowed) {
    refuseUnknownKey(request, { account: key.account, arn: named, resource: key.arn, text: unknown }, use)
  }
  settle(request.caller, decision, key.arn)
}

/**
 * Refuses who would be told nothing of a key, whether there is one or not; returns when the caller may know that there is
 * none: in its own account, if identity policies allow the use of it.
 *
 * @param key.arn what the request calls it
 * @param key.resource the ARN of the key when there is one
 * @param key.text of the refusal; the usual one unless told
 * @throws {AccessDeniedError}
 */
export function refuseUnknownKey(
  { caller }: Pick<Request, 'caller'>,
  key: { account: string; arn: string; resource?: string; text?: string | undefined },
  use: KeyUse,
): void {
  const isOwn = caller.account === key.account
  const resource = (isOwn ? key.resource : undefined) ?? (key.arn.includes(':key/') ? key.arn : nameless(key.arn))
  // To a service no account is delegated.
  const policy = delegatingPolicyOf(caller.subject.kind === 'service' ? key.account : caller.account)
  const nothing = { caller: caller.conditions, aliasesOf: () => [] }
  const decision = allOf(permissionsFor(caller, use), (permission) => {
    const contexts = keyConditions({ account: key.account, arn: resource }, use, nothing)
    const about = { action: `kms:${permission}`, resource, resourceAccount: key.account, subject: subjectOf(caller) }
    return first(contexts.map((context) => decideByResourcePolicy({ ...about, context }, policy)))
  })
  if (isOwn && decision.allowed) return
  const { permission } = decision
  settle(caller, decision.allowed ? { ...NO_KEY_POLICY, permission } : decision, key.arn, key.text)
}

/** Whether the caller may use a key so, and which of the permissions for it decided. */
export function decideKeyUse({ caller, keyStore }: Request, key: KmsKey, use: KeyUse): KeyDecision {
  const policy = keyPolicyFor(caller, key)
  const contexts = keyConditions(key, use, {
    caller: caller.conditions,
    aliasesOf: (of) => keyStore.aliasNamesOf(of.arn),
  })
  return allOf(permissionsFor(caller, use), (permission) => {
    if (caller.account !== key.account && !ACROSS_ACCOUNTS.has(permission)) return NO_KEY_POLICY
    const found = findMatchingGrant(key, { caller, use: { ...use, permission }, grants: keyStore.grants })
    const grant = found && { id: found.grantId }
    const about = { action: `kms:${permission}`, resource: key.arn, resourceAccount: key.account }
    const subject = subjectOf(caller)
    return first(contexts.map((context) => decideByResourcePolicy({ ...about, subject, context }, policy, grant)))
  })
}

function keyPolicyFor({ rule, subject, isKnown, viaService }: Caller, key: KmsKey): CompiledPolicy {
  if (rule === 'accepted') return acceptedKeyPolicyOf(key, { isKnown, isSession: subject.kind === 'role-session' })
  return viaService ? publisherKeyPolicyOf(key) : keyPolicyOf(key)
}

type KeyDecision = Decision & { readonly permission: string }

const NO_KEY_POLICY: Decision = { allowed: false, reason: 'no-resource-allow', lacks: ['resource'] }

/** Leaves the decision for the audit line, and throws it when it is a refusal. */
function settle({ arn, notes }: Caller, decision: KeyDecision, resource: string, text?: string): void {
  const { permission } = decision
  if (notes !== undefined) Object.assign(notes, { resource, decision })
  if (!decision.allowed) throw new AccessDeniedError(text ?? denialText(decision, { arn, permission, resource }))
}

function allOf(permissions: readonly string[], decide: (permission: string) => Decision): KeyDecision {
  return first(permissions.map((permission) => ({ ...decide(permission), permission })))
}

/** All must allow: the first that does not is the answer. */
function first<T extends { readonly allowed: boolean }>(decisions: readonly T[]): T {
  const [any] = decisions
  const found = decisions.find(({ allowed }) => !allowed) ?? any
  if (found === undefined) throw new Error('Cannot decide: nothing was asked')
  return found
}

function permissionsFor({ rule }: Caller, { permission }: KeyUse): readonly string[] {
  return rule === 'publisher' && PUBLISHING.includes(permission) ? PUBLISHING : [permission]
}

function subjectOf({ subject, rule }: Caller): Subject {
  if (rule !== 'accepted') return subject
  const { kind, arn, account, roleArn } = subject
  return { kind, arn, account, roleArn, policies: EVERYTHING }
}

/** An alias without a key: policies that name aliases must not tell it from others. */
function nameless(aliasArn: string): string {
  const [, , , region = '', account = ''] = aliasArn.split(':')
  return keyArnOf({ account, region }, randomUUID())
}
