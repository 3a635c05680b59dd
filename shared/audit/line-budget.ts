/**
 * How many lines may be written about denials: a burst, then a rate, for each name and for all together.
 *
 * Names are those who called. One who is denied ten thousand times a second must neither fill a disk nor keep the
 * lines of others out; those who are nobody share one name. Pure but for the map it keeps.
 */

import { createLruMap } from '#shared/lru-map'

export interface LineBudget {
  /** Whether one more line may be written about `name`; when so it is counted. */
  take(name: string, now: number): boolean
}

export interface Allowance {
  readonly burst: number
  readonly perSecond: number
}

/** Names remembered. One that was pushed out begins anew; the allowance for all holds still. */
const MAX_NAMES = 1_000

export function createLineBudget(o: { each: Allowance; all: Allowance }): LineBudget {
  const buckets = createLruMap<Bucket>(MAX_NAMES)
  const all = fullBucket(o.all)
  return {
    take(name, now) {
      const bucket = buckets.get(name) ?? fullBucket(o.each)
      buckets.set(name, bucket)
      refill(bucket, o.each, now)
      refill(all, o.all, now)
      if (bucket.lines < 1 || all.lines < 1) return false
      bucket.lines -= 1
      all.lines -= 1
      return true
    },
  }
}

interface Bucket {
  lines: number
  at: number | undefined
}

function fullBucket({ burst }: Allowance): Bucket {
  return { lines: burst, at: undefined }
}

/** A clock that was set back gives nothing and takes nothing. */
function refill(bucket: Bucket, { burst, perSecond }: Allowance, now: number): void {
  const elapsedMs = Math.max(0, now - (bucket.at ?? now))
  bucket.lines = Math.min(burst, bucket.lines + (elapsedMs / 1000) * perSecond)
  bucket.at = now
}
