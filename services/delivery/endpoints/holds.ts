/** Spreads those who are told to ask again later, so that they come one by one and not all at once. */

import type { Clock } from '#shared/clock'

const HOLD_MS = { least: 250, most: 60_000 } as const

/** @returns called with the time between two of them in ms, gives each caller a later time than the one before, in ms from now */
export function createHolds(clock: Clock): (stepMs: number) => number {
  let last = 0
  return (stepMs) => {
    const now = clock.now()
    last = Math.min(now + HOLD_MS.most, Math.max(now + HOLD_MS.least, last + Math.max(1, stepMs)))
    return last - now
  }
}
