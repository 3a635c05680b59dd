/**
 * What two scrapes a moment apart say: rates, latencies, backlog and the state of each process. Pure.
 *
 * Nothing here is a guess: a figure whose metric no process shows is undefined. Names and definitions are those of the
 * recording rules (deploy/prometheus), over the time between the scrapes instead of minutes.
 */

import { type KmsWindow, kmsWindow } from './kms-window.ts'
import { type ProcessView, processesOf } from './processes.ts'
import { type Quantile, quantileOf } from './quantile.ts'
import type { Scrape } from './scrape.ts'
import { type Now, nowOf, type Since, sinceOf } from './series.ts'

export interface Latency {
  /** Seconds. */
  readonly p50: Quantile
  readonly p99: Quantile
}

type Figure = number | undefined

export interface View {
  /** Epoch ms. */
  readonly at: number
  /** Between the scrapes. */
  readonly seconds: number
  readonly processes: readonly ProcessView[]
  /** Counted between the scrapes: messages published, deliveries, requests to KMS. */
  readonly counted: { published: Figure; delivered: Figure; retried: Figure; failed: Figure; kmsRequests: Figure }
  /** Counted by the processes since they began. */
  readonly totals: { published: Figure; delivered: Figure; failed: Figure; kmsRequests: Figure }
  readonly publish: {
    perSecond: Figure
    /** API requests of any kind. */
    requestsPerSecond: Figure
    /** Answered with an error, and refused for overload. */
    errorsPerSecond: Figure
    inFlight: Figure
    latency: Latency | undefined
  }
  readonly deliver: {
    perSecond: Figure
    retriesPerSecond: Figure
    failedPerSecond: Figure
    attempt: Latency | undefined
    endToEnd: Latency | undefined
  }
  readonly kms: KmsWindow & {
    callsPerSecond: Figure
    failedPerSecond: Figure
    byOperation: Readonly<Record<string, number>>
    activePairs: Figure
    gateways: Figure
    reuseSeconds: Figure
    /** Requests a second of steady publishers, for this number of gateways: (g + 1) × pairs / D. */
    predictedPerSecond: Figure
    /** 2 × pairs / D. */
    textbookPerSecond: Figure
    latency: Latency | undefined
    breakersOpen: Figure
    /** Look-ups of data keys that found one in memory, 0 to 1. */
    cacheHitRate: Figure
  }
  readonly backlog: {
    entries: Figure
    pending: Figure
    oldestSeconds: Figure
    waitingForEndpoints: Figure
    waitingForRetry: Figure
    held: Figure
    heldSeconds: Figure
    quarantined: Figure
    endpointsUnhealthy: Figure
  }
  /** Slowest first. */
  readonly endpoints: readonly { host: string; seconds: number }[]
  /** Most messages first. */
  readonly topics: readonly { topic: string; perSecond: number }[]
  readonly redis: readonly {
    node: string
    isUp: boolean
    memoryBytes: Figure
    memoryMaxBytes: Figure
    clients: Figure
  }[]
}

const SHOWN = 10

/** @param o.last the view before, whose KMS requests are a part of the window */
export function viewOf(o: {
  before: readonly Scrape[]
  after: readonly Scrape[]
  at: number
  last?: View | undefined
}): View {
  const [now, since] = [nowOf(o.after), sinceOf(o.before, o.after)]
  const pace = sinceOf(o.before, o.after, { perSecond: true })
  const seconds = secondsBetween(o.before, o.after)
  const published = since.sum('sealcast_messages_published_total')
  const kmsRequests = since.sum('sealcast_kms_requests_total')
  const [pairs, gateways, reuseSeconds] = [
    now.max('sealcast_kms_active_pairs'),
    now.max('sealcast_gateways_alive'),
    now.max('sealcast_data_key_reuse_seconds'),
  ]
  const textbook = now.max('sealcast_kms_predicted_requests')
  const predictedPerSecond =
    pairs === undefined || gateways === undefined || !reuseSeconds ? undefined : ((gateways + 1) * pairs) / reuseSeconds
  return {
    at: o.at,
    seconds,
    processes: processesOf(o.before, o.after),
    counted: {
      published,
      delivered: since.sum('sealcast_deliveries_total', { outcome: 'delivered' }),
      retried: since.sum('sealcast_deliveries_total', { outcome: 'retry' }),
      failed: since.sum('sealcast_notifications_failed_total'),
      kmsRequests,
    },
    totals: {
      published: now.sum('sealcast_messages_published_total'),
      delivered: now.sum('sealcast_deliveries_total', { outcome: 'delivered' }),
      failed: now.sum('sealcast_notifications_failed_total'),
      kmsRequests: now.sum('sealcast_kms_requests_total'),
    },
    publish: {
      perSecond: pace.sum('sealcast_messages_published_total'),
      requestsPerSecond: pace.sum('sealcast_api_requests_total'),
      errorsPerSecond: errorsIn(pace),
      inFlight: now.sum('sealcast_requests_in_flight'),
      latency: latencyOf(since, 'sealcast_api_request_seconds', { action: ['Publish', 'PublishBatch'] }),
    },
    deliver: {
      perSecond: pace.sum('sealcast_deliveries_total', { outcome: 'delivered' }),
      retriesPerSecond: pace.sum('sealcast_deliveries_total', { outcome: 'retry' }),
      failedPerSecond: pace.sum('sealcast_notifications_failed_total'),
      attempt: latencyOf(since, 'sealcast_delivery_attempt_seconds'),
      endToEnd: latencyOf(since, 'sealcast_end_to_end_seconds'),
    },
    kms: {
      ...kmsWindow(o.last?.kms, { calls: kmsRequests ?? 0, seconds, reuseSeconds, predictedPerSecond }),
      callsPerSecond: pace.sum('sealcast_kms_requests_total'),
      failedPerSecond: failedIn(pace),
      byOperation: Object.fromEntries(pace.sumBy('sealcast_kms_requests_total', 'operation')),
      activePairs: pairs,
      gateways,
      reuseSeconds,
      predictedPerSecond,
      textbookPerSecond: textbook === undefined || !reuseSeconds ? undefined : textbook / reuseSeconds,
      latency: latencyOf(since, 'sealcast_kms_request_seconds'),
      breakersOpen: now.sum('sealcast_kms_breakers_open'),
      cacheHitRate: hitRate(since),
    },
    backlog: backlogOf(now),
    endpoints: [...now.maxBy('sealcast_slowest_endpoint_seconds', 'host')]
      .map(([host, seconds]) => ({ host, seconds }))
      .sort((a, b) => b.seconds - a.seconds)
      .slice(0, SHOWN),
    topics: [...pace.sumBy('sealcast_topic_messages_published_total', 'topic')]
      .map(([topic, perSecond]) => ({ topic, perSecond }))
      .filter(({ perSecond }) => perSecond > 0)
      .sort((a, b) => b.perSecond - a.perSecond)
      .slice(0, SHOWN),
    redis: redisOf(now),
  }
}

/** Of those that answered both times; one that was away has not answered for longer. */
function secondsBetween(before: readonly Scrape[], after: readonly Scrape[]): number {
  const times = new Map(before.filter(({ page }) => page).map(({ url, at }) => [url, at]))
  const spans = after.flatMap(({ url, at, page }) => {
    const first = times.get(url)
    return page === undefined || first === undefined ? [] : [at - first]
  })
  return spans.length === 0 ? 0 : Math.max(0, Math.min(...spans)) / 1000
}

function errorsIn(since: Since): Figure {
  const codes = [...since.sumBy('sealcast_api_requests_total', 'code')]
  const refused = since.sum('sealcast_requests_refused_total')
  if (codes.length === 0 && refused === undefined) return undefined
  return codes.filter(([code]) => code !== 'ok').reduce((sum, [, count]) => sum + count, refused ?? 0)
}

function failedIn(since: Since): Figure {
  const outcomes = [...since.sumBy('sealcast_kms_requests_total', 'outcome')]
  return outcomes.length === 0
    ? undefined
    : outcomes.reduce((sum, [outcome, count]) => sum + (outcome === 'ok' ? 0 : count), 0)
}

function hitRate(since: Since): Figure {
  const [hits, misses] = [
    since.sum('sealcast_data_key_cache_hits_total'),
    since.sum('sealcast_data_key_cache_misses_total'),
  ]
  const all = (hits ?? 0) + (misses ?? 0)
  return all === 0 ? undefined : (hits ?? 0) / all
}

function latencyOf(
  since: Since,
  name: string,
  where?: Readonly<Record<string, readonly string[]>>,
): Latency | undefined {
  const buckets = since.buckets(name, where)
  const [p50, p99] = [quantileOf(buckets, 0.5), quantileOf(buckets, 0.99)]
  return p50 === undefined || p99 === undefined ? undefined : { p50, p99 }
}

function backlogOf(now: Now): View['backlog'] {
  // Each gateway shows all partitions; each worker what is in its own.
  const overPartitions = (name: string) => {
    const partitions = [...now.maxBy(name, 'partition').values()]
    return partitions.length === 0 ? undefined : partitions
  }
  const sum = (values: readonly number[] | undefined) => values?.reduce((total, value) => total + value, 0)
  return {
    entries: sum(overPartitions('sealcast_partition_entries')),
    pending: sum(overPartitions('sealcast_partition_pending')),
    oldestSeconds: now.max('sealcast_partition_oldest_entry_seconds'),
    waitingForEndpoints: now.sum('sealcast_backlog_messages'),
    waitingForRetry: now.sum('sealcast_retries_waiting'),
    held: now.sum('sealcast_held_messages'),
    heldSeconds: now.max('sealcast_held_seconds'),
    quarantined: now.max('sealcast_quarantined_entries') ?? now.sum('sealcast_entries_quarantined_total'),
    endpointsUnhealthy: now.sum('sealcast_endpoints_unhealthy'),
  }
}

function redisOf(now: Now): View['redis'] {
  const [memory, limit, clients] = [
    now.maxBy('sealcast_redis_memory_used_bytes', 'node'),
    now.maxBy('sealcast_redis_memory_max_bytes', 'node'),
    now.maxBy('sealcast_redis_clients', 'node'),
  ]
  return [...now.maxBy('sealcast_redis_up', 'node')]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([node, up]) => ({
      node,
      isUp: up > 0,
      memoryBytes: memory.get(node),
      memoryMaxBytes: limit.get(node) || undefined,
      clients: clients.get(node),
    }))
}
