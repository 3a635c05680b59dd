/**
 * Where the threads of a process leave the data keys they have obtained, so that all of them together ask KMS as one would.
 *
 *   nobody has it ── find ─→ being fetched by who asked first ── bring ─→ there, while it may seal
 *                                  │    └── find: waits
 *                                  └── giveUp ─→ whoever waits fetches it, each for itself
 *
 * Those who wait go on together when it is given up: in turn, the last would wait for what nobody answers any more.
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
   * @returns undefined when nobody has it, or whoever fetched it gave up: who asked is to fetch it, and to call `bring` or
   *   `giveUp` in any case
   */
  find(name: string): Promise<KeyObject | undefined>
  /**
   * Resolves once every thread would find it.
   *
   * @param key the data key in plain, 32 bytes
   * @param forMs after which nothing may be sealed with it any more, at most a reuse period
   */
  bring(name: string, key: KeyObject, forMs: number): Promise<void>
  giveUp(name: string): void
}

/** As many as a thread seals with at most. */
const MAX_KEYS = 10_000
/** Between two looks for keys that have ended, however many are brought. */
const SWEEP_MS = 1_000

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
 * `dropEnded` is for looks from time to time, so that keys do not stay where nobody asks for any.
 *
 * @param o.keepMs the reuse period
 * @param o.passed milliseconds from any moment on, whatever is done to the clock
 */
export function createKeyDesk({
  keepMs,
  passed = () => performance.now(),
}: {
  keepMs: number
  passed?: () => number
}): KeyDesk & { dropEnded(): void } {
  const kept = new Map<string, { key: KeyObject; until: number }>()
  let sweepAt = 0
  const fetching = new Map<string, ((key: KeyObject | undefined) => void)[]>()

  return {
    async find(name) {
      const there = kept.get(name)
      if (there !== undefined && there.until > passed()) return there.key
      const waiting = fetching.get(name)
      if (waiting === undefined) {
        fetching.set(name, [])
        return undefined
      }
      return await new Promise((resolve) => void waiting.push(resolve))
    },
    async bring(name, key, forMs) {
      if (passed() >= sweepAt) dropEnded()
      kept.delete(name)
      kept.set(name, { key, until: passed() + Math.min(forMs, keepMs) })
      for (const [oldest] of kept) {
        if (kept.size <= MAX_KEYS) break
        kept.delete(oldest)
      }
      const waiting = fetching.get(name) ?? []
      fetching.delete(name)
      for (const resolve of waiting) resolve(key)
    },
    giveUp(name) {
      const waiting = fetching.get(name) ?? []
      fetching.delete(name)
      for (const resolve of waiting) resolve(undefined)
    },
    dropEnded,
  }

  function dropEnded(): void {
    const now = passed()
    sweepAt = now + SWEEP_MS
    for (const [name, { until }] of kept) if (until <= now) kept.delete(name)
  }
}
