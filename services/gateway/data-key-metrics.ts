/**
 * Data keys in numbers: how many calls of KMS are to be expected, by the keys that Redis holds, and how old and how used
 * the keys of this gateway become.
 *
 * The first part is the same in every gateway, so dashboards take the maximum; it is never counted from the calls
 * that it is compared with.
 */

import type { RetiredDataKey } from '#shared/data-keys'
import type { Metrics } from '#shared/metrics'

export interface DataKeyMetrics {
  /** @param pairs of topic, publisher and KMS key with a data key that all gateways may seal with */
  activePairs(pairs: number): void
  gatewaysAlive(count: number): void
  /** The reuse period, once. */
  dataKeyReuse(ms: number): void
  dataKeyRetired(key: RetiredDataKey): void
  /** @param survey of what is held when the page is asked for */
  watchSealingKeys(survey: () => { keys: number; oldestAgeMs: number }): void
}

/** Of the formula R = B / D × (2 × P): one GenerateDataKey and one Decrypt. */
const REQUESTS_PER_PAIR = 2

const AGE_SECONDS = [1, 2, 5, 15, 30, 60, 120, 180, 240, 270, 300]
const MESSAGES = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000]

/** @param watchCached shows how many keys are held */
export function createDataKeyMetrics(
  metrics: Metrics,
  watchCached: (cache: 'sealing', count: () => number) => void,
): DataKeyMetrics {
  const pairs = metrics.gauge(
    'sealcast_kms_active_pairs',
    'Pairs (topic, publisher, KMS key) with a live data key in Redis, the same in every gateway: aggregate by max.',
  )
  const predicted = metrics.gauge(
    'sealcast_kms_predicted_requests',
    'KMS requests of a reuse period by the formula, 2 for each active pair, the same in every gateway: aggregate by max.',
  )
  const gateways = metrics.gauge(
    'sealcast_gateways_alive',
    'Gateways on the list of members, this one included, as it sees them: aggregate by max.',
  )
  const reuse = metrics.gauge('sealcast_data_key_reuse_seconds', 'How long a data key may seal, as configured.')
  const oldest = metrics.gauge(
    'sealcast_data_key_oldest_age_seconds',
    'Age of the oldest data key with which this gateway may seal now; 0 when it has none.',
  )
  const ages = metrics.histogram(
    'sealcast_data_key_age_seconds',
    'Age of data keys at their last use by this gateway, observed when they are retired.',
    AGE_SECONDS,
  )
  const messages = metrics.histogram(
    'sealcast_data_key_messages',
    'Messages that this gateway sealed with a data key, observed when it is retired.',
    MESSAGES,
  )
  return {
    activePairs(count) {
      pairs.set({}, count)
      predicted.set({}, REQUESTS_PER_PAIR * count)
    },
    gatewaysAlive: (count) => gateways.set({}, count),
    dataKeyReuse: (ms) => reuse.set({}, ms / 1000),
    dataKeyRetired(key) {
      ages.observe({}, key.ageMs / 1000)
      messages.observe({}, key.messages)
    },
    watchSealingKeys(survey) {
      watchCached('sealing', () => {
        const { keys, oldestAgeMs } = survey()
        oldest.set({}, oldestAgeMs / 1000)
        return keys
      })
    },
  }
}
