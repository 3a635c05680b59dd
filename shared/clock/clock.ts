/**
 * Where the time comes from. Nothing else of this project calls `Date.now()`, so that a test can
 * hand in a clock it moves itself.
 */
export interface Clock {
  /** Now, in epoch milliseconds. */
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }
