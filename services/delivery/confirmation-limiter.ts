/**
 * Bounds how often an endpoint that has not agreed to anything yet is asked whether it does.
 *
 * Whoever may subscribe can have confirmations sent to a host that is not theirs. Measured, over plain HTTP:
 * the shortest signed Subscribe is 477 bytes, the confirmation it causes 1,983 with its headers; 4.2 bytes
 * reach the victim for each that the attacker sends. A victim that answers 5xx is asked four times under the
 * default retry policy, which is the one confirmations use whatever the topic's: 16.6 bytes in about a minute.
 * That factor cannot be had smaller without shortening SNS's message; what is bounded is the rate. A worker
 * sends one origin at most a burst of 100 (198 KB), then 50 a second (99 KB/s, less than one Mbit/s). A
 * confirmation beyond that waits; it is not lost. An endpoint's owner who subscribes some hundred topics at
 * once waits for seconds.
 *
 * An origin is scheme, host and port. So the bounds hold per worker and per origin: W workers make W times
 * as much, and one machine behind many names or ports is as many origins. Pure but for the clock.
 */

import type { Clock } from '#shared/clock'
import { createLruMap } from '#shared/lru-map'

export interface ConfirmationLimiter {
  /** @returns whether a confirmation may be sent to the origin now; if so it counts as sent */
  tryTake(origin: string): boolean
  /** Until tryTake() can succeed, in whole milliseconds; 0 when it can now. Takes nothing. */
  waitMs(origin: string): number
}

/** Confirmations at once: an owner's script that subscribes one endpoint to a hundred topics is not held up. */
export const CONFIRMATION_BURST = 100

/** A twentieth of what one endpoint easily takes; SNS lets an account call Subscribe 100 times a second. */
export const CONFIRMATIONS_PER_SECOND = 50

/**
 * Origins remembered, about 200 bytes each. The one that was asked for longest ago is forgotten first. To be
 * forgotten before its bucket is full again an origin must be followed by so many others that they are the
 * larger flood: 10,000 confirmations to them buy 100 to it.
 */
const MAX_ORIGINS_REMEMBERED = 10_000

/** What a confirmation costs, so that each millisecond earns a whole number: `perSecond`. */
const COST = 1_000

export function createConfirmationLimiter({
  clock,
  burst = CONFIRMATION_BURST,
  perSecond = CONFIRMATIONS_PER_SECOND,
  maxOrigins = MAX_ORIGINS_REMEMBERED,
}: {
  clock: Clock
  burst?: number
  perSecond?: number
  maxOrigins?: number
}): ConfirmationLimiter {
  const full = burst * COST
  /** An origin that is missing has a full bucket. */
  const buckets = createLruMap<{ readonly credit: number; readonly at: number }>(maxOrigins)

  const creditOf = (origin: string, now: number): number => {
    const bucket = buckets.get(origin)
    if (bucket === undefined) return full
    // A clock that was set back gives nothing and takes nothing.
    const elapsedMs = Math.max(0, now - bucket.at)
    return Math.min(full, bucket.credit + elapsedMs * perSecond)
  }

  return {
    tryTake(origin) {
      const now = clock.now()
      const credit = creditOf(origin, now)
      const isAllowed = credit >= COST
      buckets.set(origin, { credit: isAllowed ? credit - COST : credit, at: now })
      return isAllowed
    },
    waitMs: (origin) => Math.ceil(Math.max(0, COST - creditOf(origin, clock.now())) / perSecond),
  }
}
