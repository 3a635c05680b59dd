/**
 * Spreads retries that failed together, so that they do not come back together.
 *
 * Downward only, by at most a tenth: the scheduled total of a policy (an hour at most) is then never
 * exceeded, which upward jitter could not promise.
 */

/** The largest share of a delay that jitter takes away. */
export const JITTER_SHARE = 0.1

/**
 * @param delayMs what the policy says
 * @param random a number from 0 up to, not including, 1
 * @returns whole milliseconds, from 90 % of `delayMs` to all of it
 */
export function applyJitter(delayMs: number, random: number): number {
  return Math.round(delayMs * (1 - JITTER_SHARE * random))
}
