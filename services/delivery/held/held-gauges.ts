/**
 * How many messages wait for each KMS key, and for how long they have: gauges whose labels are bounded.
 *
 * The first keys that are ever held get a label of their own, all others share `other`. Counts are those of the
 * partitions that this process owns, so that they can be summed over processes.
 */

import type { Clock } from '#shared/clock'
import type { Metrics } from '#shared/metrics'
import { MAX_KEY_LABELS } from '../limits.ts'

export interface HeldGauges {
  heldMessages(keyArn: string, o: { partition: number; count: number }): void
  /** Brings the ages up to date. */
  refresh(): void
}

interface Held {
  keyArn: string
  count: number
  since: number
}

const OTHER = 'other'

export function createHeldGauges(metrics: Metrics, clock: Clock): HeldGauges {
  const messages = metrics.gauge(
    'sealcast_held_messages',
    'Messages that wait for a KMS key to work again, in owned partitions, by key. Above zero for long is an alarm.',
    ['key'],
  )
  const ages = metrics.gauge(
    'sealcast_held_seconds',
    'For how long messages have been waiting for a KMS key without a break, as this worker knows, by key.',
    ['key'],
  )
  const labels = new Set<string>()
  const totals = new Map<string, number>()
  /** By partition and key. */
  const held = new Map<string, Held>()

  const labelOf = (keyArn: string) => {
    if (!labels.has(keyArn) && labels.size < MAX_KEY_LABELS) labels.add(keyArn)
    return labels.has(keyArn) ? keyArn : OTHER
  }

  return {
    heldMessages(keyArn, { partition, count }) {
      const name = `${partition} ${keyArn}`
      const before = held.get(name)
      if (count > 0) held.set(name, { keyArn, count, since: before?.since ?? clock.now() })
      else held.delete(name)
      const key = labelOf(keyArn)
      const total = (totals.get(key) ?? 0) + count - (before?.count ?? 0)
      totals.set(key, total)
      messages.set({ key }, total)
      if (total === 0) ages.set({ key }, 0)
    },
    refresh() {
      const since = new Map<string, number>()
      for (const one of held.values()) {
        const key = labelOf(one.keyArn)
        since.set(key, Math.min(since.get(key) ?? one.since, one.since))
      }
      for (const [key, at] of since) ages.set({ key }, Math.max(0, clock.now() - at) / 1000)
    },
  }
}
