/**
 * Whether anybody could publish with the key that a topic was given. SNS checks nothing when a key is set, and the first to
 * find out is a publisher, or whoever misses messages: so operators are told.
 *
 * A topic's key is called unusable only when that is certain: every principal of the principals file was looked at, and none
 * that may publish would be given data keys; or the key itself is missing or out of use. Ends with the first who can.
 */

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Catalog, Topic } from '#shared/catalog'
import type { Clock } from '#shared/clock'
import { BrokerError } from '#shared/errors'
import type { Principal, Principals } from '#shared/principals'
import { createTopicPolicies, decideTopicAccess, type TopicCaller } from '#shared/topic-access'
import { dependsOnRequest } from './depends-on-request.ts'
import type { BrokenReason, KeyQuestion } from './key-question.ts'

export type KeyVerdict =
  | { readonly kind: 'usable' | 'unknown' }
  | { readonly kind: 'unusable'; readonly reason: BrokenReason | 'nobody'; readonly why: string }

export interface KeyToCheck {
  readonly topicArn: string
  /** As the topic was given it. */
  readonly keyId: string
  /** ARN of who gave it, who is likely to publish: looked at first. */
  readonly principal: string
}

/** @returns undefined when the topic has another key by now, or none: then there is nothing to tell */
export type CheckKey = (o: KeyToCheck, signal: AbortSignal) => Promise<KeyVerdict | undefined>

/** Of a file of more principals no key is called unusable for its permissions. */
const MAX_LOOKED_AT = 10_000

/** Some microseconds each; requests have their turn in between. */
const AT_ONCE = 25

export function createCheckKey(o: {
  catalog: Pick<Catalog, 'readTopic'>
  principals: Pick<Principals, 'all' | 'findPrincipal'>
  question: KeyQuestion
  clock: Clock
}): CheckKey {
  return async ({ topicArn, keyId, principal }, signal) => {
    try {
      const topic = (await o.catalog.readTopic(topicArn))?.topic
      if (topic?.attributes.kmsMasterKeyId !== keyId) return undefined
      const first = o.principals.findPrincipal(principal)
      const others = o.principals.all().filter((other) => other !== first)
      const everybody = first === undefined ? others : [first, ...others]
      return await checkFor(everybody, { ...o, topic, keyId, signal })
    } catch (error) {
      // KMS or Redis do not answer: no verdict.
      if (error instanceof BrokerError) return { kind: 'unknown' }
      throw error
    }
  }
}

async function checkFor(
  everybody: readonly Principal[],
  o: { topic: Topic; keyId: string; signal: AbortSignal; question: KeyQuestion; clock: Clock },
): Promise<KeyVerdict> {
  const { question, keyId, signal } = o
  const topicArn = o.topic.arn
  const mayPublish = createMayPublish(o)
  let asked = 0
  let isCertain = everybody.length <= MAX_LOOKED_AT
  for (const [at, principal] of everybody.slice(0, MAX_LOOKED_AT).entries()) {
    if (at % AT_ONCE === 0) await nextTurn()
    if (signal.aborted) return { kind: 'unknown' }
    if (!mayPublish(principal)) continue
    if (asked === question.limit) return { kind: 'unknown' }
    asked++
    const answer = await question.ask({ principal, keyId, topicArn, signal })
    if (answer.kind === 'allowed') return { kind: 'usable' }
    if (answer.kind === 'broken') return { ...answer, kind: 'unusable' }
    if (answer.kind === 'unclear') isCertain = false
  }
  if (asked === 0) return await checkKeyAlone(everybody[0], o)
  if (!isCertain) return { kind: 'unknown' }
  return { kind: 'unusable', reason: 'nobody', why: 'nobody who may publish may use the KMS key' }
}

/** Nobody may publish, which is not the key's fault: it is one nobody could use if it is out of use itself. */
async function checkKeyAlone(
  anybody: Principal | undefined,
  { topic, keyId, signal, question }: { topic: Topic; keyId: string; signal: AbortSignal; question: KeyQuestion },
): Promise<KeyVerdict> {
  if (anybody === undefined) return { kind: 'unknown' }
  const answer = await question.ask({ principal: anybody, keyId, topicArn: topic.arn, signal })
  return answer.kind === 'broken' ? { ...answer, kind: 'unusable' } : { kind: 'unknown' }
}

/** Also of whom only a request could tell. */
function createMayPublish({ topic, clock }: { topic: Topic; clock: Clock }): (principal: Principal) => boolean {
  const policies = createTopicPolicies()
  const [, , , region = '', account = ''] = topic.arn.split(':')
  return (principal) => {
    // A sealed topic takes nothing that does not come over TLS.
    const caller: TopicCaller = { principal, region, sourceIp: '', secure: true }
    const target = { arn: topic.arn, account, topic }
    const { decision, policy } = decideTopicAccess(caller, 'Publish', target, { policies, clock })
    if (decision.allowed) return true
    const looked = [...(policy === undefined ? [] : [policy]), ...principal.policies.map((one) => one.policy)]
    return dependsOnRequest(principal, looked)
  }
}
