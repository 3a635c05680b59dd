/**
 * Whether a caller may do something to a topic: identity policies and the topic's policy together. Pure but for the clock
 * that conditions may ask. The gateway decides by it, and `sealcast preflight` tells beforehand what it would decide.
 */

import type { Topic } from '#shared/catalog'
import type { Clock } from '#shared/clock'
import { type AccessRequest, type CompiledPolicy, type Decision, decideByUnion } from '#shared/policy'
import { AUTHORIZATION, type AuthorizationRule, type AuthorizedAction } from './authorization-table.ts'
import { createConditionContext, type TopicCaller, type WantedEndpoint } from './condition-context.ts'
import type { TopicPolicies } from './topic-policies.ts'

export interface Target {
  /** Of the topic; of all of an account's topics where the action has none. */
  readonly arn: string
  readonly account: string
  /** As read for this action; undefined when there is none, or when its policy takes no part. */
  readonly topic?: Topic | undefined
  /** Of a Subscribe. */
  readonly wanted?: WantedEndpoint
}

export interface TopicAccess {
  readonly decision: Decision
  readonly request: AccessRequest
  /** The topic's, where it takes part. */
  readonly policy: CompiledPolicy | undefined
}

export function decideTopicAccess(
  caller: TopicCaller,
  action: AuthorizedAction,
  target: Target,
  o: { policies: TopicPolicies; clock: Clock },
): TopicAccess {
  const rule: AuthorizationRule = AUTHORIZATION[action]
  const policy = policyFor(caller, rule, target, o.policies)
  // Without a part for the topic's policy it does not matter whose the topic is.
  const resourceAccount = rule.by === 'topic' ? target.account : caller.principal.account
  const request: AccessRequest = {
    subject: caller.principal,
    action: `sns:${rule.permission}`,
    resource: target.arn,
    resourceAccount,
    context: createConditionContext({ caller, resourceAccount, wanted: target.wanted, clock: o.clock }),
  }
  return { decision: decideByUnion(request, policy), request, policy }
}

function policyFor(
  { principal }: TopicCaller,
  rule: AuthorizationRule,
  { topic }: Target,
  policies: TopicPolicies,
): CompiledPolicy | undefined {
  if (rule.by !== 'topic' || topic === undefined) return undefined
  return policies.of(topic) ?? (principal.kind === 'service' ? policies.defaultOf(topic) : undefined)
}
