/**
 * Whether something grows: the least-squares slope of samples over time, with how sure one can be of it. Pure.
 *
 * Memory goes up and down with every garbage collection, and neighbouring samples are alike; so the error of the slope
 * is that of as many independent samples as the correlation of neighbours leaves.
 */

export interface Slope {
  /** Of the fitted line, units an hour. */
  readonly perHour: number
  /** Below this with 2.5 % probability; NaN of fewer than three samples. */
  readonly leastPerHour: number
  /** The fitted line at the first sample, and its rise to the last. */
  readonly from: number
  readonly rise: number
}

/** Standard errors on one side of a 95 % interval. */
const SIGMAS = 1.96
const HOUR_SECONDS = 3600

/** @param points seconds and value; NaN values are left out. @returns undefined of fewer than two */
export function slopeOf(points: readonly (readonly [seconds: number, value: number])[]): Slope | undefined {
  const known = points.filter(([, value]) => Number.isFinite(value))
  const count = known.length
  const [first, last] = [known[0], known.at(-1)]
  if (first === undefined || last === undefined || count < 2) return undefined
  const meanX = mean(known.map(([x]) => x))
  const meanY = mean(known.map(([, y]) => y))
  let [xx, xy] = [0, 0]
  for (const [x, y] of known) {
    xx += (x - meanX) ** 2
    xy += (x - meanX) * (y - meanY)
  }
  if (xx === 0) return undefined
  const slope = xy / xx
  const rests = known.map(([x, y]) => y - meanY - slope * (x - meanX))
  const squares = rests.reduce((sum, rest) => sum + rest * rest, 0)
  const independent = count * (1 - alikeness(rests, squares)) - 2
  const error =
    independent > 0 ? Math.sqrt(squares / independent / xx) : count < 3 ? Number.NaN : Number.POSITIVE_INFINITY
  return {
    perHour: slope * HOUR_SECONDS,
    leastPerHour: (slope - SIGMAS * error) * HOUR_SECONDS,
    from: meanY + slope * (first[0] - meanX),
    rise: slope * (last[0] - first[0]),
  }
}

/** How much of each sample its neighbour already told, from 0 to below 1, by the correlation of neighbours. */
function alikeness(rests: readonly number[], squares: number): number {
  if (squares === 0) return 0
  let products = 0
  for (let at = 1; at < rests.length; at++) products += (rests[at] ?? 0) * (rests[at - 1] ?? 0)
  const correlation = Math.min(Math.max(products / squares, 0), 0.99)
  return 1 - (1 - correlation) / (1 + correlation)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
