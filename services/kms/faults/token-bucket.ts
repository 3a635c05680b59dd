/** A token bucket: starts full, refills continuously. Pure but for its own count; the time is an argument. */

export interface TokenBucket {
  /** @returns whether there was a token, which is then gone */
  take(now: number): boolean
}

/** @param now epoch ms of its beginning */
export function createTokenBucket(o: { ratePerSecond: number; burst: number; now: number }): TokenBucket {
  let tokens = o.burst
  let filledAt = o.now
  return {
    take(now) {
      // A clock that was set back gives nothing, and does not take either.
      const refill = (Math.max(0, now - filledAt) * o.ratePerSecond) / 1000
      tokens = Math.min(o.burst, tokens + refill)
      filledAt = now
      if (tokens < 1) return false
      tokens -= 1
      return true
    },
  }
}
