/**
 * Looks at a topic as it is configured and says what would become of a message, without sending one: every decision is
 * made by what the gateway and the KMS decide by. Reads alone.
 */

import type { Subscription, Topic } from '#shared/catalog'
import type { EndpointNetworks } from '#shared/endpoint-guard'
import { BrokerError } from '#shared/errors'
import type { ExplainKeyAccess } from '#shared/kms-client'
import type { Principal } from '#shared/principals'
import { type ExplainedKey, judgeKey } from './judge-key.ts'
import { type Circumstances, judgePublish } from './judge-publish.ts'
import { judgeSubscription } from './judge-subscription.ts'
import { type PreflightReport, type PublisherReport, type SubscriptionReport, worstOf } from './report.ts'

export interface PreflightSubject {
  readonly topic: Topic
  readonly subscriptions: readonly Subscription[]
  /** Who is looked at; with one alone everything about it is told, also that it may not publish. */
  readonly publishers: readonly Principal[]
  readonly isOnePublisher: boolean
}

export interface PreflightMeans {
  /** undefined: with AWS KMS nobody here can ask what it would decide. */
  readonly explain: ExplainKeyAccess | undefined
  readonly circumstances: Circumstances
  readonly networks: EndpointNetworks
}

export async function runPreflight(subject: PreflightSubject, means: PreflightMeans): Promise<PreflightReport> {
  const { topic } = subject
  const keyId = topic.attributes.kmsMasterKeyId
  const judged = await Promise.all(subject.publishers.map((publisher) => judgePublisher(publisher, topic, means)))
  // Without one named, who may not publish is no publisher of this topic.
  const relevant = judged.filter(({ report }) => subject.isOnePublisher || report.steps[0]?.verdict !== 'refused')
  const publishers = relevant.map(({ report }) => report)
  const subscriptions = subject.subscriptions.map((subscription) => judgeOne(subscription, means))
  const key = relevant.map((one) => one.key).find((one) => one?.kind === 'key')
  const notes = [...new Set(judged.flatMap((one) => one.notes))]
  if (publishers.length === 0) notes.push('No principal of the principals file may publish to this topic.')
  if (subscriptions.length === 0) notes.push('The topic has no subscriptions: what is published reaches nobody.')
  if (keyId !== undefined)
    notes.push('Taken for granted: requests come over HTTPS. A sealed topic refuses all others (InvalidSecurity).')
  return {
    topicArn: topic.arn,
    verdict:
      publishers.length === 0 ? 'refused' : worstOf([...publishers, ...subscriptions].map(({ verdict }) => verdict)),
    ...(keyId === undefined ? {} : { keyId }),
    ...(key?.kind === 'key' ? { keyArn: key.keyArn, keyState: key.keyState } : {}),
    publishers,
    subscriptions,
    notes,
  }
}

async function judgePublisher(
  principal: Principal,
  topic: Topic,
  means: PreflightMeans,
): Promise<{ report: PublisherReport; key: ExplainedKey | undefined; notes: readonly string[] }> {
  const { step, notes } = judgePublish({ principal, topic, circumstances: means.circumstances })
  const keyId = topic.attributes.kmsMasterKeyId
  const key = keyId === undefined ? undefined : await explainKey(principal, topic, keyId, means)
  const { sourceArn, sourceAccount } = means.circumstances
  const source = new Map<string, string>()
  if (sourceArn !== undefined) source.set('aws:sourcearn', sourceArn)
  if (sourceAccount !== undefined) source.set('aws:sourceaccount', sourceAccount)
  const steps = key === undefined ? [step] : [step, ...judgeKey(key, { subject: principal, source })]
  const verdict = worstOf(steps.map((one) => one.verdict))
  return { report: { publisher: principal.arn, verdict, steps }, key, notes }
}

async function explainKey(
  principal: Principal,
  { arn: topicArn }: Topic,
  keyId: string,
  { explain, circumstances }: PreflightMeans,
): Promise<ExplainedKey> {
  if (explain === undefined) {
    const why =
      'AWS KMS decides, and only it knows key policy and grants: try iam simulate-principal-policy, or GenerateDataKey with DryRun'
    return { kind: 'unknown', why }
  }
  const { sourceArn, sourceAccount } = circumstances
  const source = principal.kind === 'service' ? { arn: sourceArn, account: sourceAccount } : {}
  try {
    return await explain({ keyId, topicArn, principal: principal.roleArn ?? principal.arn, source })
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    return { kind: 'unknown', why: `the KMS could not be asked: ${error.code}` }
  }
}

function judgeOne(subscription: Subscription, { networks }: PreflightMeans): SubscriptionReport {
  const step = judgeSubscription(subscription, { networks })
  const { topicArn, id, protocol } = subscription
  return { subscription: `${topicArn}:${id}`, protocol, verdict: step.verdict, steps: [step] }
}
