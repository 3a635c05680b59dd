/**
 * When each request is due, by the clock alone: no answer delays a request, so a broker that stalls meets all that would
 * have come meanwhile, and what they waited counts (no coordinated omission). Pure.
 */

export interface ScheduleOptions {
  /** `constant`: as even as can be; `poisson`: as independent publishers make it, with clusters and gaps. */
  readonly arrivals: 'constant' | 'poisson'
  /** Requests a second of all generators together. */
  readonly perSecond: number
  readonly seconds: number
  /** This generator's number, from 0, and how many there are: together they make one schedule. */
  readonly generator: number
  readonly generators: number
  /** Decides Poisson arrivals. */
  readonly seed: number
}

export interface DueRequest {
  /** Counted from 0 over all generators; no two have one number. */
  readonly number: number
  /** Milliseconds from the start. */
  readonly dueMs: number
}

/** In the order in which they are due. */
export function* schedule(o: ScheduleOptions): Generator<DueRequest> {
  const endMs = o.seconds * 1000
  if (o.arrivals === 'constant') {
    for (let number = o.generator; ; number += o.generators) {
      const dueMs = (number * 1000) / o.perSecond
      if (dueMs >= endMs) return
      yield { number, dueMs }
    }
  }
  // Several independent Poisson processes together are one, of the sum of their rates.
  const random = randomOf(o.seed * 1009 + o.generator)
  const meanMs = (1000 * o.generators) / o.perSecond
  let dueMs = 0
  for (let number = o.generator; ; number += o.generators) {
    dueMs -= meanMs * Math.log(1 - random())
    if (dueMs >= endMs) return
    yield { number, dueMs }
  }
}

/** mulberry32: small, and the same everywhere for a seed. @returns numbers from 0 to below 1 */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
