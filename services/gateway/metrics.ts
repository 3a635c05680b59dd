/** What the gateway counts. Names that dashboards rely on stay stable over releases. */

import { type BrokerMetrics, createBrokerMetrics } from '#shared/broker-metrics'
import type { Metrics } from '#shared/metrics'
import { REFUSAL_REASONS, type RefusalReason } from './admission.ts'
import { createDataKeyMetrics, type DataKeyMetrics } from './data-key-metrics.ts'
import { createTopicMetrics } from './topic-metrics.ts'

export interface GatewayMetrics extends BrokerMetrics, DataKeyMetrics {
  /** @param action a known action's name or `unknown`, so that the label stays bounded */
  requestAnswered(action: string, code: string, seconds: number): void
  /** A request was refused for overload before it was looked at. */
  requestRefused(reason: RefusalReason): void
  connectionRefused(): void
  auditLineLeftOut(): void
  /** A topic was given a key, and it was looked at who could use it. */
  topicKeyChecked(verdict: 'usable' | 'unusable' | 'unknown' | 'dropped'): void
  /** @param r.outcome of AssumeRole: `ok` or an error code */
  observeRole(r: { outcome: string; seconds: number }): void
  requestsInFlight(count: number): void
  /** Once a call, single or batch. */
  published(o: { topicArn: string; sealed: boolean; messages: number; bodyBytes: number }): void
}

/** @param o.part of a process, where it has several threads */
export function createGatewayMetrics(metrics: Metrics, { part = 1 }: { part?: number } = {}): GatewayMetrics {
  const requests = metrics.counter('sealcast_api_requests_total', 'API requests answered, by action and wire code.', [
    'action',
    'code',
  ])
  const requestSeconds = metrics.histogram(
    'sealcast_api_request_seconds',
    'Time from the whole request read to its answer written.',
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    ['action'],
  )
  const refused = metrics.counter(
    'sealcast_requests_refused_total',
    'Requests answered 503 for overload, before anything of them was looked at, by what ran out.',
    ['reason'],
  )
  for (const reason of REFUSAL_REASONS) refused.add({ reason }, 0)
  const connectionsRefused = metrics.counter(
    'sealcast_connections_refused_total',
    'Connections closed as soon as they were accepted, since as many as allowed were open.',
  )
  const auditLeftOut = metrics.counter(
    'sealcast_audit_lines_left_out_total',
    'Denied calls without an audit line of their own, since more were denied than are written.',
  )
  const topicKeys = metrics.counter(
    'sealcast_topic_key_checks_total',
    'KMS keys that topics were given, by whether anybody could publish with them; dropped: not looked at.',
    ['verdict'],
  )
  // There from the start, so that the first one raises it.
  for (const verdict of ['usable', 'unusable', 'unknown', 'dropped']) topicKeys.add({ verdict }, 0)
  // Not among the KMS requests, which are what KMS bills.
  const assumed = metrics.counter(
    'sealcast_sts_calls_total',
    'AssumeRole calls to AWS STS, for publishers that have a role for KMS, by outcome (ok or the error code).',
    ['outcome'],
  )
  const assumeSeconds = metrics.histogram(
    'sealcast_sts_call_seconds',
    'Duration of AssumeRole calls to AWS STS, retries included.',
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  )
  const inFlight = metrics.gauge('sealcast_requests_in_flight', 'Requests read and not yet answered.', [], {
    threads: 'sum',
  })
  inFlight.set({}, 0)
  const published = metrics.counter(
    'sealcast_messages_published_total',
    'Messages accepted and stored (SNS: NumberOfMessagesPublished), by whether the body was sealed.',
    ['sealed'],
  )
  for (const sealed of ['true', 'false']) published.add({ sealed }, 0)
  const publishSize = metrics.histogram(
    'sealcast_publish_size_bytes',
    'Body bytes per accepted publish call, a batch being one (SNS: PublishSize).',
    [64, 256, 1024, 4096, 16_384, 65_536, 262_144],
  )
  const countTopic = createTopicMetrics(metrics, part)
  const broker = createBrokerMetrics(metrics)
  return {
    ...broker,
    ...createDataKeyMetrics(metrics, broker.watchDataKeys),
    requestAnswered(action, code, seconds) {
      requests.add({ action, code })
      requestSeconds.observe({ action }, seconds)
    },
    requestRefused: (reason) => refused.add({ reason }),
    observeRole({ outcome, seconds }) {
      assumed.add({ outcome })
      assumeSeconds.observe({}, seconds)
    },
    auditLineLeftOut: () => auditLeftOut.add({}),
    topicKeyChecked: (verdict) => topicKeys.add({ verdict }),
    connectionRefused: () => connectionsRefused.add({}),
    requestsInFlight: (count) => inFlight.set({}, count),
    published({ topicArn, sealed, messages, bodyBytes }) {
      published.add({ sealed: String(sealed) }, messages)
      publishSize.observe({}, bodyBytes)
      countTopic({ topicArn, messages, bodyBytes })
    },
  }
}
