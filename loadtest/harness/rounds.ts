/** Short rounds of baseline and subject in turn, so that whatever else the machine does meets both. */

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
  readonly problems: readonly string[]
}

export async function alternate(o: {
  baseline: Side
  subject: Side
  rounds: number
  unit: string
  progress: (text: string) => void
}): Promise<Compared> {
  const sides = [o.baseline, o.subject]
  const rounds = new Map<Side, Round[]>(sides.map((side) => [side, []]))
  const problems: string[] = []
  for (let round = 0; round <= o.rounds; round++) {
    for (const side of sides) {
      const result = await side.run(round)
      const what = round === 0 ? 'warm-up' : `round ${round}`
      o.progress(`${side.name}, ${what}: ${Math.round(result.perSecond)} ${o.unit}/s`)
      if (round === 0) continue
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
  return { baseline, subject, ratio: subject.perSecond / baseline.perSecond, problems }
}
