/** A clock that stands still until a test moves it. */

import type { Clock } from './clock.ts'

export interface FakeClock extends Clock {
  /** Moves the clock forward by `ms` milliseconds. */
  advance(ms: number): void
}

/** @param startsAt epoch milliseconds of the first reading */
export function createFakeClock(startsAt = Date.UTC(2026, 0, 1)): FakeClock {
  let now = startsAt
  return {
    now: () => now,
    advance(ms) {
      now += ms
    },
  }
}
