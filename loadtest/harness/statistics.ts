/** What is made of several figures. Pure. */

/** The middle one, or the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)] ?? Number.NaN
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper
}

/**
 * The smallest value that at least `share` of all values do not exceed (nearest rank).
 *
 * @param share above 0, up to 1
 * @returns NaN of none
 */
export function percentile(values: readonly number[], share: number): number {
  if (!(share > 0 && share <= 1)) {
    throw new RangeError(`Cannot take a percentile: share must be above 0 and up to 1, current value is ${share}`)
  }
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN
}

/** How far the rounds lie apart, as a share of their median: what a ratio of this run may be wrong by. */
export function spread(values: readonly number[]): number {
  return (Math.max(...values) - Math.min(...values)) / median(values)
}

export interface Bucket {
  /** Values from the bound before up to this one. */
  readonly upTo: number
  readonly count: number
}

/** Counts in buckets whose bounds double, from `first` until all values are in; every bucket from the first to the last used. */
export function histogram(values: readonly number[], first: number): Bucket[] {
  const buckets: { upTo: number; count: number }[] = []
  const sorted = [...values].sort((a, b) => a - b)
  let at = 0
  for (let upTo = first; at < sorted.length; upTo *= 2) {
    const from = at
    while (at < sorted.length && (sorted[at] ?? 0) <= upTo) at++
    if (buckets.length > 0 || at > from) buckets.push({ upTo, count: at - from })
  }
  return buckets
}
