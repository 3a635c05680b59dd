import { RequestsPerSecond, Seconds, Short } from '@grafana/grafana-foundation-sdk/units'
import type { Section } from '../../board.ts'
import { bars } from '../../panels/bars.ts'
import { figure } from '../../panels/figure.ts'
import { lines } from '../../panels/lines.ts'

export function kmsTrouble(): Section {
  return {
    title: 'Throttling, denials, outages',
    panels: [
      lines({
        title: 'Calls that failed',
        means:
          'KMS calls that were not granted, in the last five minutes, by code and key. KMS_THROTTLING: the account’s quota. KMS_ACCESS_DENIED: a key policy. KMS_DISABLED and the like: the key.',
        act: 'Throttled: ask AWS for quota, or lengthen the reuse period. Denied: `sealcast preflight` tells what a publisher lacks.',
        unit: Short,
        span: 12,
        stacked: true,
        queries: [
          {
            expr: 'sum by (outcome, key) (sealcast:kms_failures:increase5m)',
            legend: '{{outcome}} {{key}}',
          },
        ],
      }),
      lines({
        title: 'Breakers open',
        means:
          'Breakers that keep calls from KMS, over all processes. endpoint: KMS is down; throttling: it asked for less; key: a key is not available.',
        act: 'They close by themselves when a probe succeeds. Publishes fail meanwhile, deliveries wait.',
        unit: Short,
        span: 12,
        queries: [{ expr: 'sum by (scope) (sealcast_kms_breakers_open)', legend: '{{scope}}' }],
      }),
      lines({
        title: 'Calls not made',
        means: 'Calls that failed without being made, since a breaker was open. KMS does not bill them.',
        act: 'They follow the breakers.',
        unit: RequestsPerSecond,
        span: 8,
        queries: [
          { expr: 'sum by (scope) (rate(sealcast_kms_calls_refused_total[$__rate_interval]))', legend: '{{scope}}' },
        ],
      }),
      bars({
        title: 'Messages held, by key',
        means: 'Messages that wait until their KMS key works again. No attempt is used up by it.',
        act: 'Enable the key or mend its policy: a probe a key every 30 s releases them in order.',
        unit: Short,
        span: 8,
        limits: { alarm: 1 },
        none: 'None held',
        query: {
          expr: 'sort_desc(topk(10, sum by (key) (sealcast_held_messages)))',
          legend: '{{key}}',
        },
      }),
      lines({
        title: 'Held for, by key',
        means: 'For how long messages have been waiting for a key without a break.',
        act: 'Above five minutes is an alarm. Nothing is lost by waiting, but Redis fills up.',
        unit: Seconds,
        span: 8,
        limits: { alarm: 300 },
        queries: [{ expr: 'max by (key) (sealcast_held_seconds)', legend: '{{key}}' }],
      }),
      figure({
        title: 'Missing from the ledger',
        means: 'Calls that the ledger in Redis does not have, or not for sure, in the range.',
        act: 'The ledger counts that much less than KMS. Redis did not take the write: see its dashboard.',
        unit: Short,
        span: 6,
        height: 8,
        once: true,
        decimals: 0,
        limits: { alarm: 0.5 },
        queries: [{ expr: 'sum(increase(sealcast_kms_ledger_lost_total[$__range]))', legend: 'calls' }],
      }),
      figure({
        title: 'Unsafe KMS accepted',
        means: 'Processes with SEALCAST_DEV_UNSAFE_KMS: they accept data keys that lie in clear.',
        act: 'Anything above zero in production: take the setting away and restart.',
        unit: Short,
        span: 6,
        height: 8,
        limits: { alarm: 1 },
        queries: [{ expr: 'sum(sealcast_kms_unsafe)', legend: 'processes' }],
      }),
      figure({
        title: 'Topics given a key nobody can use',
        means:
          'Times that SetTopicAttributes or CreateTopic named a key with which nobody could publish, in the range.',
        act: 'The gateway’s log names topic and key; `sealcast preflight` tells what is missing.',
        unit: Short,
        span: 6,
        height: 8,
        once: true,
        decimals: 0,
        limits: { look: 0.5 },
        queries: [
          { expr: 'sum(increase(sealcast_topic_key_checks_total{verdict="unusable"}[$__range]))', legend: 'unusable' },
        ],
      }),
      lines({
        title: 'Faults injected, local KMS',
        means: 'Faults that the local KMS was asked to make, by kind. AWS KMS has none.',
        act: 'Anything here outside of a test: somebody turned faults on and forgot it.',
        unit: RequestsPerSecond,
        span: 6,
        queries: [
          { expr: 'sum by (kind) (rate(sealcast_kms_injected_faults_total[$__rate_interval]))', legend: '{{kind}}' },
        ],
      }),
    ],
  }
}
