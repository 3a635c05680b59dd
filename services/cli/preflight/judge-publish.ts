/** Whether a principal may publish to a topic, decided as the gateway decides it. Pure. */

import type { Topic } from '#shared/catalog'
import type { Principal } from '#shared/principals'
import { createTopicPolicies, decideTopicAccess, type TopicCaller } from '#shared/topic-access'
import { whyRefused } from './judge-key.ts'
import { missingOf } from './missing-statements.ts'
import type { Step } from './report.ts'

/** What a request would bring along. */
export interface Circumstances {
  /** Epoch ms. */
  readonly now: number
  readonly secure: boolean
  readonly sourceIp: string | undefined
  /** For whom a service acts. */
  readonly sourceArn: string | undefined
  readonly sourceAccount: string | undefined
}

/** Condition keys whose value nobody knows before a request comes. */
const OF_REQUEST: ReadonlyMap<string, string> = new Map([
  ['aws:sourceip', 'aws:SourceIp (give --source-ip)'],
  ['aws:useragent', 'aws:UserAgent'],
])

export function judgePublish(o: { principal: Principal; topic: Topic; circumstances: Circumstances }): {
  step: Step
  notes: readonly string[]
} {
  const { principal, topic, circumstances } = o
  const { now, secure, sourceIp, sourceArn, sourceAccount } = circumstances
  const [, , , region = '', account = ''] = topic.arn.split(':')
  const caller: TopicCaller = {
    principal,
    region,
    sourceIp: sourceIp ?? '',
    secure,
    ...(principal.kind === 'service'
      ? {
          source: {
            ...(sourceArn === undefined ? {} : { arn: sourceArn }),
            ...(sourceAccount === undefined ? {} : { account: sourceAccount }),
          },
        }
      : {}),
  }
  const policies = createTopicPolicies()
  const clock = { now: () => now }
  const { decision, request, policy } = decideTopicAccess(
    caller,
    'Publish',
    { arn: topic.arn, account, topic },
    { policies, clock },
  )
  const asked = [policy, ...principal.policies.map((one) => one.policy)].flatMap((one) => [
    ...(one?.conditionKeys ?? []),
  ])
  const unknown = asked.flatMap((key) =>
    key === 'aws:sourceip' && sourceIp !== undefined ? [] : (OF_REQUEST.get(key) ?? []),
  )
  const step: Omit<Step, 'verdict'> = decision.allowed
    ? { step: 'publish', why: 'allowed', by: decision.by, through: decision.through, missing: [] }
    : {
        step: 'publish',
        why: whyRefused(decision),
        code: 'AuthorizationError',
        by: decision.by,
        missing: missingOf(request, decision, { kind: 'topic', arn: topic.arn, policy: policies.textOf(topic) }),
      }
  if (!secure && topic.attributes.kmsMasterKeyId !== undefined) {
    const why = 'the topic is sealed, and refuses requests that do not come over HTTPS'
    return { step: { step: 'publish', verdict: 'refused', why, code: 'InvalidSecurity', missing: [] }, notes: [] }
  }
  if (unknown.length > 0) {
    const notes = [`It depends on ${[...new Set(unknown)].join(' and ')}, which a policy looks at.`]
    return { step: { ...step, verdict: 'unknown', why: `it depends on ${unknown[0]}` }, notes }
  }
  return { step: { ...step, verdict: decision.allowed ? 'allowed' : 'refused' }, notes: [] }
}
