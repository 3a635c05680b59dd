/**
 * The data keys a gateway seals with, by pair.
 *
 * A pair's key is in one of these states:
 *
 *   none or expired ── use ─→ in flight ── obtained ─→ held ── reuse period over, or messages used up ─→ expired
 *                                 └── refused by KMS ─→ refused for 5 s: uses fail without asking KMS
 *
 * One flight serves all uses that come meanwhile; its error is theirs too. Refresh is lazy, on the
 * first use after expiry: an idle publisher costs nothing and a steady one exactly one key a period.
 * Refreshing early would hide one KMS call's latency and cost 11 % more calls at 90 % of the period.
 *
 * Look-up and work are one synchronous step, so that no expiry or eviction falls between them.
 */

import type { Clock } from '#shared/clock'
import { type BrokerError, letGoOfFrames } from '#shared/errors'
import { createLruMap } from '#shared/lru-map'
import { cacheKeyOf, type DataKeyPair } from './data-key-pair.ts'
import type { DataKeySource } from './data-key-source.ts'
import type { DataKeyStore } from './data-key-store.ts'
import { DataKeyUnavailableError } from './errors.ts'
import { CLOCK_TOLERANCE_MS, createDataKeyIssuer, type ExpiringDataKey, type IssuedDataKey } from './issue-data-key.ts'
import { isLastingRefusal } from './lasting-refusal.ts'
import { MAX_REUSE_MS } from './reuse-period.ts'

export interface SealingKeys {
  /**
   * Runs `work`, which must be synchronous, with the pair's key, obtaining one first where none is usable.
   *
   * @param messages how many `work` seals; 1 unless told. Room for one is enough: the limit is far below what is safe
   * @returns what `work` returns
   * @throws {BrokerError} why KMS or the store gave no key; what `work` throws
   */
  use<T>(pair: DataKeyPair, work: (issued: IssuedDataKey) => T, messages?: number): Promise<T>
  /** Drops keys and remembered refusals of a topic; also keys that are being obtained now. */
  forget(topicArn: string): void
  /** What is held now that may seal; the rest is dropped on the way. The age is 0 where there is none. */
  survey(): { keys: number; oldestAgeMs: number }
}

/** What became of a data key that seals no more. */
export interface RetiredDataKey {
  /** At its last use, counted from just before the request to KMS. */
  ageMs: number
  /** How many it sealed in this process. */
  messages: number
}

interface HeldKey extends ExpiringDataKey {
  messages: number
  /** Epoch ms. */
  usedAt: number
  /** The same end by the time that has passed, which nobody sets. */
  lastsUntil: number
}

interface Refusal {
  error: BrokerError
  until: number
}

/** Random nonces: far below the 2^32 of NIST SP 800-38D, 8.3, with room for four gateways that share a key; threads divide it. */
export const MAX_MESSAGES = 2 ** 30
const MAX_PAIRS = 10_000
/** A storm of refused publishes becomes one KMS call in this time; a key that works again is noticed after it. */
const REFUSAL_MS = 5_000
/** Keys in a row that had expired when they arrived; with more, KMS is slower than the reuse period is long. */
const MAX_LATE_KEYS = 3

/**
 * @param o.reuseMs 1 to 300,000
 * @param o.onLookup once a use: `hit` when a usable key was held, `miss` when one had to be obtained
 * @param o.maxMessages sealed with one key in this process
 * @param o.maxWaiting uses that may wait for keys at once; more fail, so that a silent KMS does not hold all there is room for
 * @param o.onRetired a key that was used is held no more: replaced, over, or gone with its topic
 * @param o.onStoreFailure an issued key could not be stored for other gateways; it is used all the same
 * @param o.passed milliseconds from any moment on, whatever is done to the clock
 * @param o.pause replaced where time is simulated
 */
export function createSealingKeys({
  kms,
  store,
  clock,
  reuseMs,
  onLookup,
  maxMessages = MAX_MESSAGES,
  maxPairs = MAX_PAIRS,
  maxWaiting = Infinity,
  onRetired = () => {},
  onStoreFailure = () => {},
  passed = () => performance.now(),
  pause,
}: {
  kms: DataKeySource
  store: DataKeyStore
  clock: Clock
  reuseMs: number
  onLookup: (result: 'hit' | 'miss') => void
  maxMessages?: number
  maxPairs?: number
  maxWaiting?: number
  onRetired?: (key: RetiredDataKey) => void
  onStoreFailure?: (error: unknown) => void
  passed?: () => number
  pause?: (ms: number) => Promise<unknown>
}): SealingKeys {
  if (!(reuseMs >= 1 && reuseMs <= MAX_REUSE_MS)) {
    throw new RangeError(`Cannot keep sealing keys: reuseMs must be 1..${MAX_REUSE_MS}, current value is ${reuseMs}`)
  }
  const issuer = createDataKeyIssuer({
    kms,
    store,
    clock,
    reuseMs,
    onStoreFailure,
    ...(pause === undefined ? {} : { pause }),
  })
  const held = createLruMap<HeldKey>(maxPairs, retire)
  const refused = createLruMap<Refusal>(maxPairs)
  const flights = new Map<string, Promise<HeldKey>>()
  let sweepAt = clock.now() + reuseMs
  let waiting = 0

  return {
    async use(pair, work, messages = 1) {
      const cacheKey = cacheKeyOf(pair)
      let missed = false
      let lateKeys = 0
      for (;;) {
        let key = held.get(cacheKey)
        if (key === undefined || !isUsable(key)) {
          if (!missed) onLookup('miss')
          missed = true
          key = await waitForKey(pair, cacheKey)
          // Looked at again, since others that waited ran first and time has passed.
          if (!isFresh(key) && ++lateKeys >= MAX_LATE_KEYS) {
            throw new DataKeyUnavailableError('Cannot obtain a data key: it has expired whenever KMS answers')
          }
          if (!isUsable(key)) continue
        } else if (!missed) {
          onLookup('hit')
        }
        key.messages += messages
        key.usedAt = clock.now()
        return work(key.issued)
      }
    },
    forget(topicArn) {
      const prefix = `${topicArn}\n`
      for (const [cacheKey, key] of held.entries()) if (cacheKey.startsWith(prefix)) retire(key)
      for (const map of [held, refused, flights]) {
        for (const [cacheKey] of map.entries()) if (cacheKey.startsWith(prefix)) map.delete(cacheKey)
      }
    },
    survey() {
      dropExpired()
      const now = clock.now()
      let [keys, oldestAgeMs] = [0, 0]
      for (const [, key] of held.entries()) {
        if (!isUsable(key)) continue
        keys++
        oldestAgeMs = Math.max(oldestAgeMs, now - key.issued.issuedAt)
      }
      return { keys, oldestAgeMs }
    },
  }

  function isUsable(key: HeldKey): boolean {
    return isFresh(key) && key.messages < maxMessages
  }

  function isFresh({ issued, expiresAt, lastsUntil }: HeldKey): boolean {
    const now = clock.now()
    // The other bounds are for a clock that was set back: its age can no longer be told by the clock alone.
    return now < expiresAt && passed() < lastsUntil && now >= issued.issuedAt - CLOCK_TOLERANCE_MS
  }

  /** A clock that was set back does not make it last. */
  function isRemembered({ until }: Refusal): boolean {
    const leftMs = until - clock.now()
    return leftMs > 0 && leftMs <= REFUSAL_MS
  }

  async function waitForKey(pair: DataKeyPair, cacheKey: string): Promise<HeldKey> {
    if (waiting >= maxWaiting) {
      throw new DataKeyUnavailableError(`Cannot obtain a data key: ${waiting} publishes wait for one already`)
    }
    waiting++
    try {
      return await (flights.get(cacheKey) ?? startFlight(pair, cacheKey))
    } finally {
      waiting--
    }
  }

  function startFlight(pair: DataKeyPair, cacheKey: string): Promise<HeldKey> {
    const isCurrent = () => flights.get(cacheKey) === flight
    const flight: Promise<HeldKey> = obtain(pair, cacheKey, isCurrent).finally(() => {
      if (isCurrent()) flights.delete(cacheKey)
    })
    flights.set(cacheKey, flight)
    return flight
  }

  /** @param isCurrent false once the topic was forgotten: what arrives then serves those who waited, nobody after */
  async function obtain(pair: DataKeyPair, cacheKey: string, isCurrent: () => boolean): Promise<HeldKey> {
    const refusal = refused.get(cacheKey)
    if (refusal !== undefined && isRemembered(refusal)) throw refusal.error
    refused.delete(cacheKey)
    // A key that is used up or too old here may still be stored for others, whose clocks and counts differ.
    const avoid = held.get(cacheKey)?.issued.dataKey.id
    try {
      const obtained = await issuer.obtain(pair, avoid)
      const lastsMs = Math.min(reuseMs, obtained.expiresAt - clock.now())
      const key: HeldKey = { ...obtained, messages: 0, usedAt: 0, lastsUntil: passed() + lastsMs }
      if (isCurrent()) {
        const before = held.get(cacheKey)
        if (before !== undefined) retire(before)
        held.set(cacheKey, key)
      }
      sweep()
      return key
    } catch (error) {
      if (isLastingRefusal(error) && isCurrent()) {
        letGoOfFrames(error)
        refused.set(cacheKey, { error, until: clock.now() + REFUSAL_MS })
      }
      throw error
    }
  }

  /** Once a period: keys of publishers that have gone silent should not stay in memory. */
  function sweep(): void {
    if (clock.now() < sweepAt) return
    dropExpired()
  }

  function dropExpired(): void {
    const now = clock.now()
    sweepAt = now + reuseMs
    for (const [cacheKey, key] of held.entries()) {
      if (now < key.expiresAt) continue
      held.delete(cacheKey)
      retire(key)
    }
  }

  function retire({ issued, messages, usedAt }: HeldKey): void {
    // Another gateway's clock may be ahead.
    if (messages > 0) onRetired({ ageMs: Math.max(0, usedAt - issued.issuedAt), messages })
  }
}
