/** Whether the memory of a process, or of Redis, grows under a load that stays the same. Pure. */

import { type Slope, slopeOf } from './slope.ts'
import type { Sample } from './watch-run.ts'

export interface Growth {
  readonly name: string
  readonly slope: Slope
  /** Surely more than is allowed. */
  readonly isGrowing: boolean
}

const REDIS_DATA = 'data in Redis'
/** With fewer looks a slope is anything. */
const LEAST_SAMPLES = 10

/**
 * Of each process the slope of its present life, since one that was replaced begins anew, and settles for a while.
 *
 * @param o.fromSeconds what came before is not looked at
 * @param o.settleSeconds of a process that began later, as much is left out
 * @param o.maxPerHour bytes
 * @param o.isOfTheTest processes that are left out: what they count takes room, and they are not what is asked about
 */
export function growthsOf(
  samples: readonly Sample[],
  o: {
    fromSeconds: number
    untilSeconds: number
    settleSeconds: number
    maxPerHour: number
    isOfTheTest: (name: string) => boolean
  },
): Growth[] {
  const points = new Map<string, [number, number][]>()
  const lives = new Map<string, { pid: number; since: number }>()
  const add = (name: string, at: number, value: number) => {
    const own = points.get(name)
    if (own === undefined) points.set(name, [[at, value]])
    else own.push([at, value])
  }
  for (const { at, redis, processes } of samples) {
    for (const { name, pid, residentBytes } of processes) {
      if (o.isOfTheTest(name)) continue
      const life = lives.get(name)
      if (life?.pid !== pid) {
        lives.set(name, { pid, since: life === undefined ? Number.NEGATIVE_INFINITY : at })
        points.delete(name)
      }
      const since = (lives.get(name)?.since ?? 0) + o.settleSeconds
      if (at >= Math.max(o.fromSeconds, since) && at <= o.untilSeconds) add(name, at, residentBytes)
    }
    if (redis !== undefined && at >= o.fromSeconds && at <= o.untilSeconds) add(REDIS_DATA, at, redis.usedMemoryBytes)
  }
  return [...points].flatMap(([name, own]) => {
    const slope = own.length < LEAST_SAMPLES ? undefined : slopeOf(own)
    return slope === undefined ? [] : [{ name, slope, isGrowing: slope.leastPerHour > o.maxPerHour }]
  })
}

/** Of what there was, that of which too little was seen: neither good nor bad. */
export function notJudged(
  samples: readonly Sample[],
  growths: readonly Growth[],
  isOfTheTest: (name: string) => boolean,
): string[] {
  const names = samples.flatMap(({ processes }) => processes.map(({ name }) => name))
  return [...new Set([...names, REDIS_DATA])].filter(
    (name) => !isOfTheTest(name) && !growths.some((growth) => growth.name === name),
  )
}
