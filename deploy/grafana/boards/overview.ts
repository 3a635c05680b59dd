/** Is the broker well: one screen for whoever is on call, and where to look next. */

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import {
  BytesPerSecondIEC,
  MessagesPerSecond,
  PercentUnit,
  RequestsPerSecond,
  Seconds,
  Short,
} from '@grafana/grafana-foundation-sdk/units'
import { board, type Section } from '../board.ts'
import { nextDashboard, UIDS } from '../links.ts'
import { figure } from '../panels/figure.ts'
import { lines } from '../panels/lines.ts'
import { list } from '../panels/list.ts'

export function overview(): Dashboard {
  return board({
    uid: UIDS.overview,
    title: 'Overview',
    question:
      'Is the broker well: are messages accepted and delivered, how fast, what waits, and does KMS cost what it should?',
    tag: 'overview',
    from: 'now-1h',
    sections: [now(), messages(), waiting(), kms(), alarms()],
  })
}

function now(): Section {
  return {
    title: 'Now',
    panels: [
      figure({
        title: 'Published',
        means: 'Messages accepted and stored, per second, over the last minute.',
        act: 'If it fell and publishers did not stop: look at errors below, then at whether the gateways are up.',
        unit: MessagesPerSecond,
        span: 3,
        queries: [{ expr: 'sealcast:publish:rate1m', legend: 'published' }],
      }),
      figure({
        title: 'Delivered',
        means: 'Notifications that an endpoint answered with success, per second. One message to n subscriptions is n.',
        act: 'If it fell while publishing went on: look at what waits below, then at the delivery dashboard.',
        unit: MessagesPerSecond,
        span: 3,
        queries: [{ expr: 'sealcast:delivered:rate1m', legend: 'delivered' }],
        next: [nextDashboard('Delivery', 'delivery')],
      }),
      figure({
        title: 'To the subscriber, p99',
        means: "From a message's acceptance to its endpoint's success answer, retries included; 99 of 100 were faster.",
        act: 'If it rose: one slow endpoint is enough. The delivery dashboard names the slowest.',
        unit: Seconds,
        span: 3,
        limits: { look: 1, alarm: 30 },
        queries: [
          {
            expr: 'histogram_quantile(0.99, sum by (le) (rate(sealcast_end_to_end_seconds_bucket[$__rate_interval])))',
            legend: 'p99',
          },
        ],
        next: [nextDashboard('Delivery', 'delivery')],
      }),
      figure({
        title: 'API calls that failed',
        means: 'Share of API calls that were not answered with success: denied, malformed, throttled or failed.',
        act: 'See which codes they are, below. A 4xx is for the caller to mend; ServiceUnavailable and KMS errors are ours.',
        unit: PercentUnit,
        span: 3,
        decimals: 2,
        limits: { look: 0.01, alarm: 0.05 },
        queries: [
          {
            expr: '1 - sum(rate(sealcast_api_requests_total{code="ok"}[$__rate_interval])) / sum(rate(sealcast_api_requests_total[$__rate_interval]))',
            legend: 'failed',
          },
        ],
      }),
      figure({
        title: 'Backlog',
        means: 'Entries in the partition streams that have not been settled.',
        act: 'A few are always on their way. If it grows: are there enough workers, does each partition have an owner, does a key hold messages?',
        unit: Short,
        span: 3,
        limits: { look: 1_000, alarm: 100_000 },
        queries: [{ expr: 'sealcast:backlog:entries', legend: 'entries' }],
        next: [nextDashboard('Redis and processes', 'processes')],
      }),
      figure({
        title: 'KMS calls / prediction',
        means:
          'KMS calls made over calls predicted for this number of gateways. 1 is what steady publishers cause; publishers that are idle in a period make it less.',
        act: 'Above 1.1 for ten minutes is an alarm: the KMS dashboard shows which purpose is above what it should be.',
        unit: Short,
        span: 3,
        decimals: 2,
        limits: { look: 1.02, alarm: 1.1 },
        queries: [{ expr: 'sealcast:kms_ratio', legend: 'ratio' }],
        next: [nextDashboard('KMS', 'kms')],
      }),
      figure({
        title: 'Alarms',
        means: 'Alerts that fire now.',
        act: 'The table at the bottom names them.',
        unit: Short,
        span: 3,
        limits: { alarm: 1 },
        none: '0',
        queries: [{ expr: 'count(ALERTS{alertstate="firing"})', legend: 'firing' }],
      }),
      figure({
        title: 'Processes that answer',
        means: "Share of the broker's processes that Prometheus could scrape.",
        act: 'Below 100 %: one is down or its metrics cannot be reached. The dashboard of processes names it.',
        unit: PercentUnit,
        span: 3,
        limits: { alarmBelow: 1 },
        queries: [{ expr: 'avg(up{job=~"sealcast-.+"})', legend: 'up' }],
        next: [nextDashboard('Redis and processes', 'processes')],
      }),
    ],
  }
}

function messages(): Section {
  return {
    title: 'Messages',
    panels: [
      lines({
        title: 'Accepted, delivered, given up',
        means:
          'Messages published, notifications delivered, and notifications given up after their last attempt, per second.',
        act: 'Anything given up is lost for its subscription: the delivery dashboard tells by which outcome.',
        unit: MessagesPerSecond,
        span: 12,
        queries: [
          { expr: 'sealcast:publish:rate1m', legend: 'published' },
          { expr: 'sealcast:delivered:rate1m', legend: 'delivered' },
          { expr: 'sum(rate(sealcast_notifications_failed_total[$__rate_interval]))', legend: 'given up' },
        ],
        next: [nextDashboard('Delivery', 'delivery')],
      }),
      lines({
        title: 'Latency',
        means:
          'Publish: from the whole request read to its answer written. Subscriber: from acceptance to the endpoint’s success answer.',
        act: 'Publish rises with Redis, KMS or CPU; the subscriber’s also with endpoints. Compare with the event loop of the processes.',
        unit: Seconds,
        span: 12,
        queries: [
          ...[0.5, 0.99].map((quantile) => ({
            expr: `histogram_quantile(${quantile}, sum by (le) (rate(sealcast_api_request_seconds_bucket{action=~"Publish|PublishBatch"}[$__rate_interval])))`,
            legend: `publish p${quantile * 100}`,
          })),
          ...[0.5, 0.95, 0.99].map((quantile) => ({
            expr: `histogram_quantile(${quantile}, sum by (le) (rate(sealcast_end_to_end_seconds_bucket[$__rate_interval])))`,
            legend: `to the subscriber p${quantile * 100}`,
          })),
        ],
        next: [nextDashboard('Delivery', 'delivery')],
      }),
      lines({
        title: 'API errors',
        means: 'API calls not answered with success, by the code on the wire.',
        act: 'AuthorizationError, InvalidParameter and the like are for callers; KMS codes see the KMS dashboard; InternalError see the log.',
        unit: RequestsPerSecond,
        span: 8,
        stacked: true,
        queries: [
          {
            expr: 'sum by (code) (rate(sealcast_api_requests_total{code!="ok"}[$__rate_interval]))',
            legend: '{{code}}',
          },
        ],
      }),
      lines({
        title: 'Refused for overload',
        means:
          'Requests answered 503 before they were looked at, by what ran out, and connections closed as they came.',
        act: 'Add gateways, or raise SEALCAST_MAX_REQUESTS_IN_FLIGHT and SEALCAST_MAX_CONNECTIONS where CPU and memory have room.',
        unit: RequestsPerSecond,
        span: 8,
        queries: [
          {
            expr: 'sum by (reason) (rate(sealcast_requests_refused_total[$__rate_interval]))',
            legend: 'request: {{reason}}',
          },
          { expr: 'sum(rate(sealcast_connections_refused_total[$__rate_interval]))', legend: 'connection' },
        ],
      }),
      lines({
        title: 'Bytes accepted',
        means: 'Body bytes of accepted publish calls, per second (SNS: PublishSize).',
        act: 'Redis grows by this much, and by as much again for each day that messages wait: compare with its memory.',
        unit: BytesPerSecondIEC,
        span: 8,
        queries: [{ expr: 'sum(rate(sealcast_publish_size_bytes_sum[$__rate_interval]))', legend: 'bodies' }],
      }),
    ],
  }
}

function waiting(): Section {
  return {
    title: 'What waits',
    panels: [
      lines({
        title: 'Messages waiting, by where',
        means:
          'In the streams until a worker settles them; in the backlog of a subscription whose endpoint has no room; between two attempts; for a KMS key.',
        act: 'Streams grow: workers or owners are missing. Backlogs and retries grow: an endpoint is slow or down. Held: a key is denied, disabled or away.',
        unit: Short,
        span: 12,
        queries: [
          { expr: 'sealcast:backlog:entries', legend: 'in streams' },
          { expr: 'sealcast:backlog:messages', legend: 'in backlogs' },
          { expr: 'sum(sealcast_retries_waiting)', legend: 'for a retry' },
          { expr: 'sum(sealcast_held_messages)', legend: 'for a KMS key' },
        ],
        next: [nextDashboard('Delivery', 'delivery')],
      }),
      lines({
        title: 'Oldest entry in a stream',
        means: 'Age of the oldest entry that lies in a partition’s stream, the oldest of all partitions.',
        act: 'If it only rises, one partition stands still: the table of partitions tells which and whether it has an owner.',
        unit: Seconds,
        span: 12,
        limits: { alarm: 120 },
        queries: [{ expr: 'max(sealcast_partition_oldest_entry_seconds)', legend: 'oldest' }],
        next: [nextDashboard('Redis and processes', 'processes')],
      }),
    ],
  }
}

function kms(): Section {
  return {
    title: 'KMS',
    panels: [
      lines({
        title: 'KMS calls against the prediction',
        means:
          'GenerateDataKey and Decrypt per second over five minutes; predicted for this number of gateways, (g + 1) × P a reuse period; and the textbook’s 2 × P.',
        act: 'Calls above the dashed line for long are explained on the KMS dashboard: by purpose, restarts and moved leases.',
        unit: RequestsPerSecond,
        span: 12,
        expectations: ['predicted', 'textbook, 2 × P'],
        queries: [
          { expr: 'sealcast:kms_requests:rate5m', legend: 'calls' },
          { expr: 'sealcast:kms_predicted:rate', legend: 'predicted' },
          { expr: 'sealcast:kms_predicted:rate_textbook', legend: 'textbook, 2 × P' },
        ],
        next: [nextDashboard('KMS', 'kms')],
      }),
      lines({
        title: 'KMS calls / prediction, over time',
        means: 'The same as a ratio. The line is where the alarm is.',
        act: 'Below 1: publishers are idle in part of the periods, which is good. Above 1.1: see the KMS dashboard.',
        unit: Short,
        span: 12,
        limits: { alarm: 1.1 },
        queries: [{ expr: 'sealcast:kms_ratio', legend: 'ratio' }],
        next: [nextDashboard('KMS', 'kms')],
      }),
    ],
  }
}

function alarms(): Section {
  return {
    title: 'Alarms',
    panels: [
      list({
        title: 'Alerts',
        means: 'Alerts that fire or are about to.',
        act: 'deploy/prometheus/RUNBOOK.md has a section for each.',
        unit: Short,
        span: 12,
        none: 'No alert',
        sortBy: 'State',
        labels: { alertstate: 'State', alertname: 'Alert', severity: 'Severity' },
        columns: [{ expr: 'max by (alertstate, alertname, severity) (ALERTS)', name: 'Firing', hidden: true }],
      }),
      figure({
        title: 'Forged records',
        means: 'Stored records whose MAC did not verify, in the range.',
        act: 'Somebody or something writes to Redis beside the broker: find out who has access before anything else.',
        unit: Short,
        span: 3,
        height: 8,
        once: true,
        decimals: 0,
        limits: { alarm: 0.5 },
        none: '0',
        queries: [{ expr: 'sum(increase(sealcast_records_forged_total[$__range]))', legend: 'forged' }],
      }),
      figure({
        title: 'In quarantine',
        means:
          'Entries set aside since they could not be delivered safely: they did not open, or broke a worker five times.',
        act: 'They stay until somebody looks: the delivery dashboard tells the reasons.',
        unit: Short,
        span: 3,
        height: 8,
        limits: { alarm: 1 },
        queries: [{ expr: 'max(sealcast_quarantined_entries)', legend: 'entries' }],
        next: [nextDashboard('Delivery', 'delivery')],
      }),
      figure({
        title: 'Partitions without owner',
        means: 'Partitions whose lease no worker holds: what is published to them lies still.',
        act: 'Moments of it are normal when workers change. If it stays: are workers alive, and can they reach Redis?',
        unit: Short,
        span: 3,
        height: 8,
        limits: { alarm: 1 },
        queries: [{ expr: 'sum(1 - max by (partition) (sealcast_partition_leased))', legend: 'without owner' }],
        next: [nextDashboard('Redis and processes', 'processes')],
      }),
      figure({
        title: 'Redis',
        means: 'Whether every Redis node answers the gateways, and its last write to disk succeeded.',
        act: 'Not well: nothing is accepted while Redis is away; while persistence fails, a crash loses what was acknowledged.',
        unit: Short,
        span: 3,
        height: 8,
        limits: { alarmBelow: 1 },
        texts: { 0: 'Not well', 1: 'Well' },
        queries: [
          {
            // While it is away nobody knows of its disk.
            expr: 'min(sealcast_redis_up) * (min(sealcast_redis_persistence_ok) or vector(1))',
            legend: 'well',
          },
        ],
        next: [nextDashboard('Redis and processes', 'processes')],
      }),
    ],
  }
}
