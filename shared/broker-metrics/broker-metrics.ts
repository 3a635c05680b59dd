/**
 * What gateways and workers both count, under one name each: KMS requests, look-ups of data keys,
 * forged records. Dashboards and the predicted KMS volume rely on these names.
 *
 * Counted by callers only; what the local KMS served is its own metric.
 */

import type { Metrics } from '#shared/metrics'
import { boundKeyLabels } from './key-labels.ts'

export interface BrokerMetrics {
  /** @param r.outcome `ok` or an error code; @param r.purpose why the call was made; @param r.key ARN, or any name of the KMS key */
  observeKms(r: { operation: string; outcome: string; purpose: string; key: string; seconds: number }): void
  /** Requests that will not be in the ledger. */
  kmsRequestsUnrecorded(count: number): void
  /** @param o.scope of the breakers: endpoint, throttling, key; @param o.open how many of it are not closed */
  kmsBreakersOpen(o: { scope: string; open: number }): void
  /** A call was not made, since a breaker was open. */
  kmsCallRefused(scope: string): void
  /** @param accepts whether encrypted data keys that hold the key in clear are accepted */
  kmsUnsafe(accepts: boolean): void
  observeDataKeyLookup(result: 'hit' | 'miss'): void
  /** @param count of the data keys that are held when the page is asked for */
  watchDataKeys(cache: 'sealing' | 'opening', count: () => number): void
  /** @param kind of the record: topic, subscription, data-key … */
  recordForged(kind: string): void
}

const KMS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

const BREAKER_SCOPES = ['endpoint', 'throttling', 'key'] as const

/** Whose series are there from the start: an alert on an increase would not see the first one otherwise. */
const RECORD_KINDS = [
  'active-pairs',
  'backlog',
  'body',
  'change-ack',
  'change-notice',
  'data-key',
  'held',
  'key',
  'kms-ledger',
  'lease',
  'members',
  'meta',
  'partition',
  'retry-job',
  'rewrap',
  'subscription',
  'topic',
] as const

export function createBrokerMetrics(metrics: Metrics): BrokerMetrics {
  const kmsRequests = metrics.counter(
    'sealcast_kms_requests_total',
    'KMS requests made, by operation, outcome (ok or the error code), purpose and KMS key (its ARN, or what was asked for).',
    ['operation', 'outcome', 'purpose', 'key'],
  )
  const labelOf = boundKeyLabels()
  const kmsSeconds = metrics.histogram('sealcast_kms_request_seconds', 'Duration of KMS requests.', KMS_SECONDS, [
    'operation',
  ])
  const unrecorded = metrics.counter(
    'sealcast_kms_ledger_lost_total',
    'KMS requests missing from the ledger since Redis did not take them, or not for sure.',
  )
  const breakersOpen = metrics.gauge(
    'sealcast_kms_breakers_open',
    'Breakers that keep calls from KMS or let one probe, by scope: endpoint (down), throttling, key (not available).',
    ['scope'],
    { threads: 'sum' },
  )
  for (const scope of BREAKER_SCOPES) breakersOpen.set({ scope }, 0)
  const refusedCalls = metrics.counter(
    'sealcast_kms_calls_refused_total',
    'KMS calls that failed without being made, since a breaker was open, by its scope.',
    ['scope'],
  )
  for (const scope of BREAKER_SCOPES) refusedCalls.add({ scope }, 0)
  const unsafe = metrics.gauge(
    'sealcast_kms_unsafe',
    '1 where SEALCAST_DEV_UNSAFE_KMS accepts encrypted data keys that hold the key in clear. Anything above zero is an alarm.',
  )
  const hits = metrics.counter(
    'sealcast_data_key_cache_hits_total',
    'Seals and opens that found a usable data key in memory.',
  )
  const misses = metrics.counter(
    'sealcast_data_key_cache_misses_total',
    'Seals and opens that had to obtain the data key first.',
  )
  const cached = metrics.gauge(
    'sealcast_data_keys_cached',
    'Data keys held in memory that are usable, by cache: sealing (gateways), opening (workers).',
    ['cache'],
    { threads: 'sum' },
  )
  const forged = metrics.counter(
    'sealcast_records_forged_total',
    'Stored records refused because their MAC did not verify, by kind. Anything above zero is an alarm.',
    ['kind'],
  )
  for (const kind of RECORD_KINDS) forged.add({ kind }, 0)
  return {
    observeKms({ operation, outcome, purpose, key, seconds }) {
      kmsRequests.add({ operation, outcome, purpose, key: labelOf(key, outcome === 'ok') })
      kmsSeconds.observe({ operation }, seconds)
    },
    kmsRequestsUnrecorded: (count) => unrecorded.add({}, count),
    kmsBreakersOpen: ({ scope, open }) => breakersOpen.set({ scope }, open),
    kmsCallRefused: (scope) => refusedCalls.add({ scope }),
    kmsUnsafe: (accepts) => unsafe.set({}, accepts ? 1 : 0),
    observeDataKeyLookup: (result) => (result === 'hit' ? hits : misses).add({}),
    watchDataKeys: (cache, count) => metrics.beforeExposing(() => cached.set({ cache }, count())),
    recordForged: (kind) => forged.add({ kind }),
  }
}
