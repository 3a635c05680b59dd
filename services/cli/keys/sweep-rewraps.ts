/**
 * Removes the records of rewrapped data keys that nothing needs any more. They have no expiry, since a message may wait
 * for as long as its endpoint or its KMS key does not work; so whoever has just read everything that is stored sweeps.
 */

import type { RewrapStore } from '#shared/data-keys'
import type { DataKeyIndex } from './protected-messages.ts'

/**
 * A record is left alone for so long after it was made: gateways may go on sealing with its data key for a reuse period
 * of 300 s, whether they could leave it in Redis or not, and what they seal may take a moment to be stored.
 */
export const REWRAP_REST_MS = 600_000

/**
 * @param o.index of everything that is stored
 * @param o.startedAt epoch ms: when reading it began
 * @returns how many were removed
 */
export async function sweepRewraps(o: {
  rewraps: Pick<RewrapStore, 'list' | 'remove'>
  index: Pick<DataKeyIndex, 'has'>
  startedAt: number
}): Promise<number> {
  let removed = 0
  for await (const records of o.rewraps.list()) {
    for (const record of records) {
      const isYoung = record.rewrappedAt + REWRAP_REST_MS > o.startedAt
      if (isYoung || o.index.has(record.name)) continue
      if (await o.rewraps.remove(record)) removed++
    }
  }
  return removed
}
