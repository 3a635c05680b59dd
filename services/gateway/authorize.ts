/**
 * Caller + action + topic → allowed, or SNS's AuthorizationError.
 *
 * Identity policies and the topic's policy decide together: in the topic's own account either suffices, from another one both
 * must allow, and an explicit Deny anywhere is final. Asked with the topic as it was read for the very thing that is to be done
 * with it, so that a policy that was taken back is not honoured any more. A topic that does not exist has no policy: a caller
 * of another account gets the answer that an existing topic would give which does not know of him.
 *
 * Decisions that no policy makes dependent on the single request are kept with the topic and the principal they were made
 * for; both are other objects as soon as they have changed, and take their decisions with them.
 */

import type { Topic } from '#shared/catalog'
import type { Clock } from '#shared/clock'
import { type CompiledPolicy, type Decision, decideByUnion } from '#shared/policy'
import type { Principal } from '#shared/principals'
import { AuthorizationError } from '#shared/sns-wire'
import {
  AUTHORIZATION,
  type AuthorizationRule,
  type AuthorizedAction,
  createTopicPolicies,
  decideTopicAccess,
  isOfRequest,
  type Target,
} from '#shared/topic-access'
import type { Caller } from './caller.ts'

/** @throws {AuthorizationError} in SNS's words */
export type Authorize = (caller: Caller, action: AuthorizedAction, target: Target) => Decision

type Denial = Exclude<Decision, { allowed: true }>

/** Decisions since all were last dropped; about 320 bytes each. */
const MAX_KEPT = 50_000

/** @param maxKept decisions kept at once */
export function createAuthorize({ clock, maxKept = MAX_KEPT }: { clock: Clock; maxKept?: number }): Authorize {
  const policies = createTopicPolicies()
  let kept = new WeakMap<Topic, WeakMap<Principal, Map<string, Decision>>>()
  let count = 0

  const keep = ({ principal }: Caller, { permission }: AuthorizationRule, topic: Topic, decision: Decision) => {
    if (++count > maxKept) {
      kept = new WeakMap()
      count = 1
    }
    const byPrincipal = kept.get(topic) ?? new WeakMap<Principal, Map<string, Decision>>()
    const byPermission = byPrincipal.get(principal) ?? new Map<string, Decision>()
    kept.set(topic, byPrincipal.set(principal, byPermission.set(permission, decision)))
  }

  return (caller, action, target) => {
    const rule: AuthorizationRule = AUTHORIZATION[action]
    const { topic } = target
    const known = topic === undefined ? undefined : kept.get(topic)?.get(caller.principal)?.get(rule.permission)
    if (known?.allowed) return noted(caller, target, known)
    const { decision, request, policy } = decideTopicAccess(caller, action, target, { policies, clock })
    if (decision.allowed) {
      if (topic !== undefined && isSteady(caller.principal, policy)) keep(caller, rule, topic, decision)
      return noted(caller, target, decision)
    }
    noted(caller, target, decision)
    const isRevealing = decision.by?.source === 'resource' && caller.principal.account !== target.account
    const shown = isRevealing ? decideByUnion(request, withoutDenials(policy)) : decision
    const because = reasonOf(decision, { isHidden: !shown.allowed && shown.lacks.includes('resource') }, rule)
    throw new AuthorizationError(
      `User: ${caller.principal.arn} is not authorized to perform: SNS:${rule.permission} on resource: ${target.arn} ${because}`,
    )
  }
}

/** Leaves the decision to the request's audit line, which always has the true one. */
function noted({ notes }: Caller, { arn }: Target, decision: Decision): Decision {
  if (notes !== undefined) {
    notes.resource = arn
    notes.decision = decision
  }
  return decision
}

/**
 * The end of SNS's sentence. A Deny of the topic's policy would tell a caller of another account, to whom the policy allows
 * nothing, that there is such a topic.
 */
function reasonOf(decision: Denial, { isHidden }: { isHidden: boolean }, { permission }: AuthorizationRule): string {
  const action = `SNS:${permission}`
  if (decision.reason === 'explicit-deny' && !isHidden) {
    return `with an explicit deny in ${POLICIES[decision.by?.source ?? 'identity']}`
  }
  switch (decision.reason) {
    case 'no-identity-allow':
      return `because no identity-based policy allows the ${action} action`
    case 'no-session-allow':
      return `because no session policy allows the ${action} action`
    default:
      return `because no resource-based policy allows the ${action} action`
  }
}

const POLICIES = {
  identity: 'an identity-based policy',
  resource: 'a resource-based policy',
  session: 'a session policy',
  // Neither denies anything.
  grant: 'a resource-based policy',
  root: 'an identity-based policy',
} as const

/** What it allows, whatever it denies. */
function withoutDenials(policy: CompiledPolicy | undefined): CompiledPolicy | undefined {
  return policy && { ...policy, statements: policy.statements.filter(({ effect }) => effect === 'Allow') }
}

/** Whether any other request of this principal would be decided alike. */
function isSteady({ kind, policies, sessionPolicy }: Principal, policy: CompiledPolicy | undefined): boolean {
  const asksRequest = (one: CompiledPolicy | undefined) =>
    one !== undefined && [...one.conditionKeys].some((key) => isOfRequest(key, kind))
  return !asksRequest(policy) && !asksRequest(sessionPolicy) && !policies.some((one) => asksRequest(one.policy))
}
