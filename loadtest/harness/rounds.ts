/**
 * Short rounds of baseline and subject in turn, so that whatever else the machine does meets both.
 *
 * First come warm-ups, until neither side gets any faster: what runs for weeks is not to be measured while it is being
 * compiled. A gateway needed 15,000 publishes for that (720 µs of processor time each in the first two seconds, 410 in
 * the next three, 290 after the fourth round), the bare server, which does so much less, not even its first 20,000
 * requests (Node 24, two cores).
 */

import type { Usage } from './process-usage.ts'
import { median } from './statistics.ts'

export interface Round {
  readonly perSecond: number
  readonly usages: readonly Usage[]
  /** What else was seen, for the reader. */
  readonly remarks?: readonly string[]
  /** Why it counts for nothing; empty when it counts. */
  readonly problems: readonly string[]
}

export interface Side {
  readonly name: string
  /** Prepares, runs, checks; only the run is timed. @param round counted from 1; 0 warms up and counts for nothing */
  run(round: number): Promise<Round>
}

export interface Measured {
  readonly name: string
  readonly unit: string
  /** Median of the rounds. */
  readonly perSecond: number
  readonly rounds: readonly Round[]
}

export interface Compared {
  readonly baseline: Measured
  readonly subject: Measured
  /** Subject over baseline, of the medians. */
  readonly ratio: number
  /** For the reader: how long was warmed up, and whether that was enough. */
  readonly warmUp: string
  readonly problems: readonly string[]
}

/** Warm-ups in turn that must have brought nothing better. */
const NO_BETTER = 2
/** What counts as better: less is within the noise. */
const BETTER = 1.05

/**
 * Whether warm-ups may end.
 *
 * @param rates of each side's warm-ups so far, in order
 */
export function isWarm(rates: readonly (readonly number[])[]): boolean {
  return rates.every((own) => {
    const before = Math.max(...own.slice(0, -NO_BETTER))
    return own.length > NO_BETTER && own.slice(-NO_BETTER).every((rate) => rate <= before * BETTER)
  })
}

/** @param o.warmUps at most; 1 unless told */
export async function alternate(o: {
  baseline: Side
  subject: Side
  rounds: number
  warmUps?: number
  unit: string
  progress: (text: string) => void
}): Promise<Compared> {
  const sides = [o.baseline, o.subject]
  const rounds = new Map<Side, Round[]>(sides.map((side) => [side, []]))
  const problems: string[] = []
  const run = async (side: Side, round: number, what: string) => {
    const result = await side.run(round)
    o.progress(`${side.name}, ${what}: ${Math.round(result.perSecond)} ${o.unit}/s`)
    return result
  }
  const warmUps: number[][] = sides.map(() => [])
  for (let n = 1; n <= (o.warmUps ?? 1) && !isWarm(warmUps); n++) {
    for (const [at, side] of sides.entries()) warmUps[at]?.push((await run(side, 0, `warm-up ${n}`)).perSecond)
  }
  for (let round = 1; round <= o.rounds; round++) {
    for (const side of sides) {
      const what = `round ${round}`
      const result = await run(side, round, what)
      rounds.get(side)?.push(result)
      problems.push(...result.problems.map((problem) => `${side.name}, ${what}: ${problem}`))
    }
  }
  const measure = (side: Side): Measured => {
    const own = rounds.get(side) ?? []
    return { name: side.name, unit: o.unit, perSecond: median(own.map(({ perSecond }) => perSecond)), rounds: own }
  }
  const baseline = measure(o.baseline)
  const subject = measure(o.subject)
  const [times = 0] = warmUps.map(({ length }) => length)
  const warmUp = isWarm(warmUps)
    ? `Warmed up ${times} times: the last ${NO_BETTER} brought nothing better.`
    : `Warmed up ${times} times, as often as this row may: a side may still have been getting faster.`
  return { baseline, subject, ratio: subject.perSecond / baseline.perSecond, warmUp, problems }
}
