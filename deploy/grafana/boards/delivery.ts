/** What becomes of accepted messages: attempts, latency, retries, backlogs, endpoints, what is set aside. */

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { MessagesPerSecond, OpsPerSecond, PercentUnit, Seconds, Short } from '@grafana/grafana-foundation-sdk/units'
import { board, type Section } from '../board.ts'
import { nextDashboard, UIDS } from '../links.ts'
import { bars } from '../panels/bars.ts'
import { figure } from '../panels/figure.ts'
import { heat } from '../panels/heat.ts'
import { lines } from '../panels/lines.ts'
import { list } from '../panels/list.ts'

export function delivery(): Dashboard {
  return board({
    uid: UIDS.delivery,
    title: 'Delivery',
    question:
      'Do accepted messages reach their endpoints, how fast, what waits and why, and which endpoints hold things up?',
    tag: 'delivery',
    from: 'now-1h',
    sections: [attempts(), latency(), retriesAndBacklogs(), endpoints(), setAside(), topics()],
  })
}

function attempts(): Section {
  return {
    title: 'Attempts',
    panels: [
      figure({
        title: 'Attempts that delivered',
        means: 'Share of attempts that the endpoint answered with success.',
        act: 'Low means endpoints fail: see the outcomes at the right, then the endpoints below.',
        unit: PercentUnit,
        span: 4,
        height: 8,
        decimals: 1,
        limits: { alarmBelow: 0.9, lookBelow: 0.99 },
        queries: [
          {
            expr: 'sum(rate(sealcast_deliveries_total{outcome="delivered"}[$__rate_interval])) / sum(rate(sealcast_deliveries_total[$__rate_interval]))',
            legend: 'delivered',
          },
        ],
      }),
      figure({
        title: 'Given up',
        means:
          'Messages given up for one subscription, in the range (SNS: NumberOfNotificationsFailed). They are lost for it.',
        act: 'The log has `delivery.attempted` with the last answer, and `backlog.expired` where it was for waiting too long.',
        unit: Short,
        span: 4,
        height: 8,
        once: true,
        decimals: 0,
        limits: { alarm: 0.5 },
        queries: [{ expr: 'sum(increase(sealcast_notifications_failed_total[$__range]))', legend: 'given up' }],
      }),
      lines({
        title: 'Attempts, by outcome',
        means: 'delivered: answered with success. retry: failed, another attempt follows. failed: the last one failed.',
        act: 'retry rises first: an endpoint is slow or down, and its messages still have attempts.',
        unit: OpsPerSecond,
        span: 16,
        stacked: true,
        queries: [
          {
            expr: 'sum by (outcome, protocol) (rate(sealcast_deliveries_total[$__rate_interval]))',
            legend: '{{outcome}} {{protocol}}',
          },
        ],
      }),
    ],
  }
}

function latency(): Section {
  return {
    title: 'Latency',
    panels: [
      heat({
        title: 'From acceptance to success',
        means:
          "From a message's acceptance to its endpoint's success answer (SNS: DwellTime). Cells count notifications.",
        act: 'A second band above the first is retries: an endpoint failed at first. All rising together: workers or Redis.',
        unit: Seconds,
        span: 12,
        height: 9,
        histogram: 'sealcast_end_to_end_seconds',
      }),
      lines({
        title: 'From acceptance to success, percentiles',
        means: 'The same as numbers: half, 95 and 99 of 100 notifications were faster.',
        act: 'p50 rises: everything is slower, look at the processes. Only p99 rises: a few endpoints.',
        unit: Seconds,
        span: 12,
        height: 9,
        queries: [0.5, 0.95, 0.99].map((quantile) => ({
          expr: `histogram_quantile(${quantile}, sum by (le) (rate(sealcast_end_to_end_seconds_bucket[$__rate_interval])))`,
          legend: `p${quantile * 100}`,
        })),
      }),
      lines({
        title: 'Duration of an attempt',
        means: 'One request to an endpoint, from the first byte sent to its answer, by protocol.',
        act: 'It is the endpoints’ own time, mostly. The slowest are named below.',
        unit: Seconds,
        span: 12,
        queries: [0.5, 0.99].map((quantile) => ({
          expr: `histogram_quantile(${quantile}, sum by (le, protocol) (rate(sealcast_delivery_attempt_seconds_bucket[$__rate_interval])))`,
          legend: `{{protocol}} p${quantile * 100}`,
        })),
      }),
      lines({
        title: 'Slowest topics, p95',
        means: 'From acceptance to success for the ten topics that take longest: 95 of 100 were faster.',
        act: 'One topic alone: its subscriptions. Many that share a partition: see the partitions.',
        unit: Seconds,
        span: 12,
        queries: [
          {
            expr: 'topk(10, histogram_quantile(0.95, sum by (le, topic) (rate(sealcast_topic_dwell_seconds_bucket[$__rate_interval]))))',
            legend: '{{topic}}',
          },
        ],
      }),
    ],
  }
}

function retriesAndBacklogs(): Section {
  return {
    title: 'Retries and backlogs',
    panels: [
      lines({
        title: 'Retries scheduled, by phase',
        means:
          "Of the subscription's delivery policy: immediate, pre_backoff, backoff, post_backoff. Further phases are later attempts.",
        act: 'post_backoff means that messages are near their last attempt: mend the endpoint now.',
        unit: OpsPerSecond,
        span: 8,
        stacked: true,
        queries: [
          {
            expr: 'sum by (phase) (rate(sealcast_retries_scheduled_total[$__rate_interval]))',
            legend: '{{phase}}',
          },
        ],
      }),
      lines({
        title: 'Waiting',
        means:
          'Messages between two attempts, and in backlogs: lined up until their endpoint has room, which uses up no attempt.',
        act: 'Backlogs grow: an endpoint takes less than it is sent. What waits longer than SEALCAST_BACKLOG_SECONDS is given up.',
        unit: Short,
        span: 8,
        queries: [
          { expr: 'sum(sealcast_retries_waiting)', legend: 'for a retry' },
          { expr: 'sealcast:backlog:messages', legend: 'in backlogs' },
        ],
      }),
      lines({
        title: 'Subscriptions with a backlog',
        means: 'Subscriptions that have messages lined up.',
        act: 'One: its endpoint. Many at once: the workers, or the network.',
        unit: Short,
        span: 8,
        queries: [{ expr: 'sum(sealcast_backlogs)', legend: 'subscriptions' }],
      }),
      lines({
        title: 'Lined up, by reason',
        means: 'room: the endpoint had none, or others waited already. slow: its first attempt took long.',
        act: 'slow shields other subscriptions from a bad endpoint and needs nothing; see which it is, below.',
        unit: MessagesPerSecond,
        span: 12,
        queries: [
          {
            expr: 'sum by (reason) (rate(sealcast_deliveries_backlogged_total[$__rate_interval]))',
            legend: '{{reason}}',
          },
        ],
      }),
      lines({
        title: 'Lost by waiting or failing',
        means:
          'Messages given up for one subscription: after the last attempt or since they waited too long; and how many of them only waited.',
        act: 'Raise SEALCAST_BACKLOG_SECONDS only if the endpoint will catch up; else give it more capacity.',
        unit: MessagesPerSecond,
        span: 12,
        queries: [
          { expr: 'sum(rate(sealcast_notifications_failed_total[$__rate_interval]))', legend: 'given up' },
          { expr: 'sum(rate(sealcast_backlog_expired_total[$__rate_interval]))', legend: 'of them waited too long' },
        ],
      }),
    ],
  }
}

function endpoints(): Section {
  return {
    title: 'Endpoints',
    panels: [
      bars({
        title: 'Slowest hosts',
        means:
          'The ten slowest endpoint hosts lately, by the mean time of an attempt, in the worker where it is longest.',
        act: 'Talk to whoever runs them. They cost others nothing, but their own messages wait.',
        unit: Seconds,
        span: 12,
        limits: { look: 1, alarm: 10 },
        query: {
          expr: 'sort_desc(topk(10, max by (host) (sealcast_slowest_endpoint_seconds)))',
          legend: '{{host}}',
        },
      }),
      lines({
        title: 'Unhealthy endpoints',
        means: 'Endpoints that failed many times in a row and are asked one message at a time, over all workers.',
        act: 'The log names them, `delivery.attempted`. A success makes them healthy again.',
        unit: Short,
        span: 6,
        limits: { alarm: 1 },
        queries: [{ expr: 'sum(sealcast_endpoints_unhealthy)', legend: 'endpoints' }],
      }),
      lines({
        title: 'Addresses refused',
        means: 'Connections that were not opened since the address is not allowed, by the kind of address.',
        act: 'A subscription leads into your own network: is it meant to? Then allow the address; else ask who subscribed.',
        unit: OpsPerSecond,
        span: 6,
        queries: [
          {
            expr: 'sum by (reason) (rate(sealcast_endpoints_refused_total[$__rate_interval]))',
            legend: '{{reason}}',
          },
        ],
      }),
    ],
  }
}

function setAside(): Section {
  return {
    title: 'Set aside',
    panels: [
      figure({
        title: 'In quarantine',
        means: 'Entries that lie in quarantine streams now.',
        act: 'Nobody takes them out but you. The log has `entry.quarantined` with the reason.',
        unit: Short,
        span: 4,
        height: 8,
        limits: { alarm: 1 },
        queries: [{ expr: 'max(sealcast_quarantined_entries)', legend: 'entries' }],
      }),
      lines({
        title: 'Quarantined, by reason',
        means:
          'Entries set aside since their integrity failed, or since they broke a worker five times. Counts of the last five minutes.',
        act: 'Any is an alarm. An integrity failure means that Redis was written to by something else.',
        unit: Short,
        span: 8,
        queries: [{ expr: 'sum by (reason) (increase(sealcast_entries_quarantined_total[5m]))', legend: '{{reason}}' }],
      }),
      lines({
        title: 'Held, by reason',
        means:
          'Messages that began to wait for a KMS key, or for another thing, without using up an attempt. Counts of the last five minutes.',
        act: 'KMS_… reasons: see which key holds, on the KMS dashboard.',
        unit: Short,
        span: 6,
        queries: [{ expr: 'sum by (reason) (increase(sealcast_entries_held_total[5m]))', legend: '{{reason}}' }],
        next: [nextDashboard('KMS', 'kms')],
      }),
      lines({
        title: 'Dropped, by what is gone',
        means: 'Deliveries due to a topic or subscription that was deleted meanwhile. Counts of the last five minutes.',
        act: 'Nothing, unless nobody meant to delete it.',
        unit: Short,
        span: 6,
        queries: [{ expr: 'sum by (reason) (increase(sealcast_deliveries_dropped_total[5m]))', legend: '{{reason}}' }],
      }),
    ],
  }
}

function topics(): Section {
  return {
    title: 'Topics',
    panels: [
      list({
        title: 'Topics',
        means:
          'The topics with most notifications in the range: messages published, notifications delivered and given up, per second. After 100 topics a process counts the others together.',
        act: 'Delivered over published is the number of subscriptions, where all is well.',
        unit: MessagesPerSecond,
        span: 24,
        height: 9,
        sortBy: 'Delivered',
        labels: { topic: 'Topic' },
        columns: [
          {
            expr: 'topk(20, sum by (topic) (rate(sealcast_topic_notifications_total{outcome="delivered"}[$__range])))',
            name: 'Delivered',
          },
          {
            expr: 'sum by (topic) (rate(sealcast_topic_messages_published_total[$__range]))',
            name: 'Published',
          },
          {
            expr: 'sum by (topic) (rate(sealcast_topic_notifications_total{outcome="failed"}[$__range]))',
            name: 'Given up',
          },
        ],
      }),
    ],
  }
}
