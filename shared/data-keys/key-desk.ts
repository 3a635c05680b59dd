/**
 * Where the threads of a process leave the data keys they have obtained, so that all of them together ask KMS as one would.
 *
 *   nobody has it ── find ─→ being fetched by who asked first ── bring ─→ there, for a reuse period
 *                                  │    └── find: waits
 *                                  └── giveUp ─→ the next one who waits fetches it
 *
 * What it hands out it hands to threads of the same process. A key is named by all that KMS would look at (nameOfDataKey), so that
 * nobody is given one for another topic or publisher than KMS gave it for.
 */

import type { KeyObject } from 'node:crypto'
import { hashParts } from '#shared/framing'

export interface KeyDesk {
  /**
   * Waits while somebody else fetches it.
   *
   * @returns undefined when nobody has it: whoever asked is to fetch it, and to call `bring` or `giveUp` in any case
   */
  find(name: string): Promise<KeyObject | undefined>
  /** @param key the data key in plain, 32 bytes. Resolves once every thread would find it */
  bring(name: string, key: KeyObject): Promise<void>
  giveUp(name: string): void
}

/** As many as a thread seals with at most. */
const MAX_KEYS = 10_000

/** @returns 64 hex digits */
export function nameOfDataKey(o: {
  encryptedDataKey: Buffer
  keyArn: string
  topicArn: string
  principal: string
}): string {
  return hashParts([o.encryptedDataKey, o.keyArn, o.topicArn, o.principal]).toString('hex')
}

/**
 * @param o.keepMs the reuse period: after it nothing may be sealed with the key any more
 * @param o.passed milliseconds from any moment on, whatever is done to the clock
 */
export function createKeyDesk({
  keepMs,
  passed = () => performance.now(),
}: {
  keepMs: number
  passed?: () => number
}): KeyDesk {
  // In the order in which they end, since all are kept for as long.
  const kept = new Map<string, { key: KeyObject; until: number }>()
  const fetching = new Map<string, ((key: KeyObject | undefined) => void)[]>()

  return {
    async find(name) {
      dropEnded()
      const there = kept.get(name)
      if (there !== undefined) return there.key
      const waiting = fetching.get(name)
      if (waiting === undefined) {
        fetching.set(name, [])
        return undefined
      }
      return await new Promise((resolve) => void waiting.push(resolve))
    },
    async bring(name, key) {
      dropEnded()
      kept.delete(name)
      kept.set(name, { key, until: passed() + keepMs })
      for (const [oldest] of kept) {
        if (kept.size <= MAX_KEYS) break
        kept.delete(oldest)
      }
      const waiting = fetching.get(name) ?? []
      fetching.delete(name)
      for (const resolve of waiting) resolve(key)
    },
    giveUp(name) {
      const next = fetching.get(name)?.shift()
      if (next === undefined) fetching.delete(name)
      else next(undefined)
    },
  }

  function dropEnded(): void {
    const now = passed()
    for (const [name, { until }] of kept) {
      if (until > now) break
      kept.delete(name)
    }
  }
}
