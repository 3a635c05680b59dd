/**
 * Latencies as an HDR histogram: counts in buckets no wider than a thousandth of their value, so any number of values
 * fits in a few kilobytes and every percentile is right to three digits.
 *
 * Node's `createHistogram` is one too, but its counts cannot leave the process. These can: generators and subscribers
 * are processes of their own, and what they counted is added up here.
 */

import type { LatencyFigures } from '../report/load-report.ts'

export interface Histogram {
  /** Negative and NaN count as 0; what is longer than an hour counts as an hour. */
  recordMs(ms: number): void
  /** Adds what another one counted. */
  add(counts: HistogramCounts): void
  /** @returns plain data, for IPC */
  counts(): HistogramCounts
  readonly count: number
  /** @param share above 0, up to 1. @returns milliseconds; NaN of none */
  percentileMs(share: number): number
  meanMs(): number
  maxMs(): number
  reset(): void
}

export interface HistogramCounts {
  /** Index of a bucket and how many values are in it. */
  readonly buckets: readonly (readonly [bucket: number, count: number])[]
  readonly sumMicros: number
  readonly maxMicros: number
}

/** 2,048 buckets for the first power of two, 1,024 for each further one: three significant digits. */
const SUB_BUCKET_BITS = 11
const HALF = 2 ** (SUB_BUCKET_BITS - 1)
const HOUR_MICROS = 3_600_000_000
const BUCKETS = bucketOf(HOUR_MICROS) + 1

export function createLatencyHistogram(): Histogram {
  const buckets = new Float64Array(BUCKETS)
  let count = 0
  let sumMicros = 0
  let maxMicros = 0
  return {
    recordMs(ms) {
      const micros = ms > 0 ? Math.min(Math.round(ms * 1000), HOUR_MICROS) : 0
      const bucket = bucketOf(micros)
      buckets[bucket] = (buckets[bucket] ?? 0) + 1
      count++
      sumMicros += micros
      if (micros > maxMicros) maxMicros = micros
    },
    add(counts) {
      for (const [bucket, added] of counts.buckets) {
        if (!(bucket >= 0 && bucket < BUCKETS)) throw new RangeError(`No such bucket: ${bucket}`)
        buckets[bucket] = (buckets[bucket] ?? 0) + added
        count += added
      }
      sumMicros += counts.sumMicros
      maxMicros = Math.max(maxMicros, counts.maxMicros)
    },
    counts: () => ({ buckets: [...buckets.entries()].filter(([, some]) => some > 0), sumMicros, maxMicros }),
    get count() {
      return count
    },
    percentileMs(share) {
      if (!(share > 0 && share <= 1)) {
        throw new RangeError(`Cannot take a percentile: share must be above 0 and up to 1, current value is ${share}`)
      }
      const rank = Math.ceil(share * count)
      let passed = 0
      for (const [bucket, some] of buckets.entries()) {
        passed += some
        if (passed >= rank && some > 0) return Math.min(highestOf(bucket), maxMicros) / 1000
      }
      return Number.NaN
    },
    meanMs: () => (count === 0 ? Number.NaN : sumMicros / count / 1000),
    maxMs: () => (count === 0 ? Number.NaN : maxMicros / 1000),
    reset() {
      buckets.fill(0)
      count = 0
      sumMicros = 0
      maxMicros = 0
    },
  }
}

/** As a report has it. */
export function latencyFigures(name: string, meaning: string, histogram: Histogram): LatencyFigures {
  return {
    name,
    meaning,
    count: histogram.count,
    meanMs: histogram.meanMs(),
    p50Ms: histogram.percentileMs(0.5),
    p90Ms: histogram.percentileMs(0.9),
    p99Ms: histogram.percentileMs(0.99),
    p999Ms: histogram.percentileMs(0.999),
    maxMs: histogram.maxMs(),
  }
}

/** Shares of a percentile chart: ten steps for each further nine, as far as there are values to tell them apart. */
export function percentileCurve(histogram: Histogram): [share: number, ms: number][] {
  if (histogram.count === 0) return []
  const shares: number[] = []
  for (let rest = 1; rest * histogram.count >= 1; rest /= 10) {
    for (let step = 0; step < 10; step++) shares.push(1 - rest * (1 - step * 0.09))
  }
  return shares
    .filter((share) => share > 0 && (1 - share) * histogram.count >= 1)
    .map((share) => [share, histogram.percentileMs(share)])
}

/** @param micros a whole number */
function bucketOf(micros: number): number {
  if (micros < 2 * HALF) return micros
  const shift = Math.floor(Math.log2(micros)) - SUB_BUCKET_BITS + 1
  return shift * HALF + Math.floor(micros / 2 ** shift)
}

/** The highest value of a bucket, in microseconds. */
function highestOf(bucket: number): number {
  if (bucket < 2 * HALF) return bucket
  const shift = Math.floor(bucket / HALF) - 1
  const lowest = (bucket - shift * HALF) * 2 ** shift
  return lowest + 2 ** shift - 1
}
