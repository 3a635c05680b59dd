/** A policy that was read and checked once: what it says, and how to ask it. */

import type { ConditionContext, Identity } from './identity.ts'

/**
 * By what a statement names the caller. `session`: by the session's own ARN. `account`: only by its account, which hands the
 * question on to identity policies. `principal`: in any other way.
 */
export type PrincipalMatch = 'session' | 'principal' | 'account'

/**
 * Where a document is used. `identity`: attached to a user or role, or a session policy. `resource`: a topic's or a queue's.
 * `key`: a KMS key's, where a statement without Action or Resource has no effect. `trust`: a role's, which is its own resource.
 */
export type PolicyKind = 'identity' | 'resource' | 'key' | 'trust'

export interface CompiledPolicy {
  readonly kind: PolicyKind
  /** As it was given. */
  readonly text: string
  readonly version: '2008-10-17' | '2012-10-17'
  readonly id?: string
  readonly statements: readonly Statement[]
  /** Condition keys that its conditions and variables look at, in lower case. */
  readonly conditionKeys: ReadonlySet<string>
}

export interface Statement extends StatementTests {
  /** Its place in the document, from 0. */
  readonly index: number
  readonly sid?: string
  readonly effect: 'Allow' | 'Deny'
  /** Of Principal and NotPrincipal, Action and NotAction, Resource and NotResource at most one each is there. */
  readonly principals?: PrincipalList
  readonly notPrincipals?: PrincipalList
  readonly actions?: readonly string[]
  readonly notActions?: readonly string[]
  readonly resources?: readonly string[]
  readonly notResources?: readonly string[]
  readonly conditions: readonly Condition[]
}

export interface PrincipalList {
  /** `"*"` or `{"AWS": "*"}`. */
  readonly everyone: boolean
  /** ARNs as written; 12 digits as the ARN of the account's root. */
  readonly aws: readonly string[]
  /** Of the roots among them: 12 digits each. */
  readonly accounts: readonly string[]
  readonly services: readonly string[]
  /** Understood, and nobody here is one. */
  readonly federated: readonly string[]
  readonly canonicalUsers: readonly string[]
}

export interface Condition {
  /** As written, with `ForAnyValue:` and `IfExists`. */
  readonly operator: string
  readonly key: string
  readonly values: readonly string[]
}

/** The statement's parts, each as a question. */
interface StatementTests {
  /** @returns how it names the caller, or undefined when it is not about them */
  matchPrincipal(subject: Identity): PrincipalMatch | undefined
  /** @param action in lower case */
  matchesAction(action: string): boolean
  matchesResource(resource: string, context: ConditionContext): boolean
  matchesConditions(context: ConditionContext): boolean
}
