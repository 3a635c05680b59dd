/** Quantiles from a histogram's buckets, as Prometheus's histogram_quantile has them. Pure. */

export interface Quantile {
  /** In the histogram's unit. */
  readonly value: number
  /** It lies above the highest bound, which `value` is. */
  readonly isAbove: boolean
}

/**
 * @param buckets cumulative counts by upper bound, infinity among them
 * @param q 0 to 1
 * @returns undefined when nothing was observed
 */
export function quantileOf(buckets: ReadonlyMap<number, number>, q: number): Quantile | undefined {
  const sorted = [...buckets].sort(([a], [b]) => a - b)
  const all = sorted.at(-1)
  if (all === undefined || all[0] !== Number.POSITIVE_INFINITY || all[1] <= 0) return undefined
  const rank = q * all[1]
  let [lower, below] = [0, 0]
  for (const [bound, count] of sorted) {
    if (count >= rank && count > below) {
      if (bound === Number.POSITIVE_INFINITY) return { value: lower, isAbove: true }
      return { value: lower + (bound - lower) * ((rank - below) / (count - below)), isAbove: false }
    }
    ;[lower, below] = [bound === Number.POSITIVE_INFINITY ? lower : bound, Math.max(below, count)]
  }
  return { value: lower, isAbove: true }
}
