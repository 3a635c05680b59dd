/**
 * One look at what waits in this worker's partitions, for the gauges: retries, and messages in backlogs. Other
 * workers show theirs, so the sum over workers is all there is.
 */

import { BrokerError } from '#shared/errors'
import type { DeliveryMetrics } from './metrics.ts'

/**
 * @param o.owned partitions whose lease this worker holds
 * @returns a look, which resolves to whether Redis answered at all
 * @throws what is a fault of ours; while Redis is away the gauges stay as they were
 */
export function createSampleWaiting(o: {
  owned: () => readonly number[]
  countRetries: (partitions: readonly number[]) => Promise<number>
  countBacklogs: (partitions: readonly number[]) => Promise<number>
  metrics: Pick<DeliveryMetrics, 'waiting'>
}): () => Promise<boolean> {
  return async () => {
    const partitions = o.owned()
    let isAnswered = false
    try {
      const retries = await o.countRetries(partitions)
      isAnswered = true
      const messages = await o.countBacklogs(partitions)
      o.metrics.waiting({ retries, messages })
    } catch (error) {
      if (!(error instanceof BrokerError && error.retryable)) throw error
    }
    return isAnswered
  }
}
