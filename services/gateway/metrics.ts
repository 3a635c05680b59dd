/** What the gateway counts. Names that dashboards rely on stay stable over releases. */

import type { KmsRequestObserver } from '#shared/kms-client'
import type { Metrics } from '#shared/metrics'

export interface GatewayMetrics {
  observeKms: KmsRequestObserver
  observeDataKeyLookup(result: 'hit' | 'miss'): void
  /** @param action a known action's name or `unknown`, so that the label stays bounded */
  requestAnswered(action: string, code: string, seconds: number): void
  published(o: { sealed: boolean; bodyBytes: number }): void
  recordForged(kind: string): void
}

export function createGatewayMetrics(metrics: Metrics): GatewayMetrics {
  const kmsRequests = metrics.counter(
    'sealcast_kms_requests_total',
    'KMS requests made, by operation, outcome (ok or the error code) and purpose.',
    ['operation', 'outcome', 'purpose'],
  )
  const kmsSeconds = metrics.histogram(
    'sealcast_kms_request_seconds',
    'Duration of KMS requests.',
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    ['operation'],
  )
  const hits = metrics.counter('sealcast_data_key_cache_hits_total', 'Seals that found a usable data key in memory.')
  const misses = metrics.counter('sealcast_data_key_cache_misses_total', 'Seals that had to obtain a data key first.')
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
  const published = metrics.counter(
    'sealcast_messages_published_total',
    'Messages accepted and stored (SNS: NumberOfMessagesPublished), by whether the body was sealed.',
    ['sealed'],
  )
  const publishSize = metrics.histogram(
    'sealcast_publish_size_bytes',
    'Body bytes per accepted publish call (SNS: PublishSize).',
    [64, 256, 1024, 4096, 16_384, 65_536, 262_144],
  )
  const forged = metrics.counter(
    'sealcast_records_forged_total',
    'Stored records refused because their MAC did not verify, by kind. Anything above zero is an alarm.',
    ['kind'],
  )
  return {
    observeKms({ operation, outcome, purpose, seconds }) {
      kmsRequests.add({ operation, outcome, purpose })
      kmsSeconds.observe({ operation }, seconds)
    },
    observeDataKeyLookup: (result) => (result === 'hit' ? hits : misses).add({}),
    requestAnswered(action, code, seconds) {
      requests.add({ action, code })
      requestSeconds.observe({ action }, seconds)
    },
    published({ sealed, bodyBytes }) {
      published.add({ sealed: String(sealed) })
      publishSize.observe({}, bodyBytes)
    },
    recordForged: (kind) => forged.add({ kind }),
  }
}
