/**
 * Who publishes when: the lanes of a run (a lane is one publisher of one topic) and the moments of their messages.
 *
 * Each lane has a window of its own: so many reuse periods from its first message on. Windows begin one after the
 * other, spread over one period, so that KMS is not asked for all keys at once. Pure; times are milliseconds from the
 * beginning of the run.
 */

export const PATTERNS = ['steady', 'idle', 'bursty'] as const
/**
 * `steady`: a message every 1 / rate seconds. `idle`: one message every third period. `bursty`: the rate for the first half
 * of every second period, and silence between.
 */
export type Pattern = (typeof PATTERNS)[number]

export interface Lane {
  /** Counted from 0, as publishers of a topic are. */
  readonly topic: number
  readonly publisher: number
  readonly pattern: Pattern
  readonly startsAtMs: number
}

/** What all lanes of a run have in common. */
export interface Pace {
  /** Messages a second of one publisher, while it publishes. */
  readonly rate: number
  readonly reuseSeconds: number
  readonly periods: number
}

const IDLE_PERIODS = 3
const BURST_PERIODS = 2
const BURST_SHARE = 0.5
/**
 * Of the last period a quarter, at most half a second, is left without messages: one that is answered late would
 * otherwise begin a period that belongs to no window. The key of that period is in use by then, so nothing is left out.
 */
const QUIET_SHARE = 0.25
const MOST_QUIET_MS = 500

/**
 * @param o.publishers of each topic
 * @param o.patterns given to the publishers in turn
 */
export function lanesOf(o: {
  publishers: readonly number[]
  patterns: readonly Pattern[]
  reuseSeconds: number
}): Lane[] {
  const pairs = o.publishers.flatMap((count, topic) =>
    Array.from({ length: count }, (_, publisher) => ({ topic, publisher })),
  )
  return pairs.map((pair, at) => ({
    ...pair,
    pattern: o.patterns[at % o.patterns.length] ?? 'steady',
    startsAtMs: Math.round((at * o.reuseSeconds * 1000) / pairs.length),
  }))
}

/** Moments of a lane's messages, ascending. */
export function dueTimes({ pattern, startsAtMs }: Lane, { rate, reuseSeconds, periods }: Pace): number[] {
  const reuseMs = reuseSeconds * 1000
  const endsMs = periods * reuseMs - Math.min(MOST_QUIET_MS, reuseMs * QUIET_SHARE)
  const gapMs = pattern === 'idle' ? IDLE_PERIODS * reuseMs : 1000 / rate
  const times: number[] = []
  for (let n = 0; n * gapMs < endsMs; n++) {
    const at = n * gapMs
    if (pattern !== 'bursty' || at % (BURST_PERIODS * reuseMs) < BURST_SHARE * reuseMs) times.push(startsAtMs + at)
  }
  return times
}

/** When the last window is over. */
export function runMs(lanes: readonly Lane[], { reuseSeconds, periods }: Pace): number {
  return Math.max(...lanes.map(({ startsAtMs }) => startsAtMs)) + periods * reuseSeconds * 1000
}

/** Periods of a lane's window that have begun at a moment: what the formula counts. */
export function periodsBegun({ startsAtMs }: Lane, { reuseSeconds, periods }: Pace, atMs: number): number {
  if (atMs < startsAtMs) return 0
  return Math.min(periods, Math.floor((atMs - startsAtMs) / (reuseSeconds * 1000)) + 1)
}

/**
 * The same, and the periods beyond the window in which messages that were answered too late were still sealed.
 *
 * @param lastAnswerMs of the lane
 */
export function periodsActive(lane: Lane, pace: Pace, o: { endedMs: number; lastAnswerMs: number }): number {
  const untilAnswer = Math.floor((o.lastAnswerMs - lane.startsAtMs) / (pace.reuseSeconds * 1000)) + 1
  return Math.max(periodsBegun(lane, pace, o.endedMs), untilAnswer)
}

/** Data keys that a lane needs in its window: one for each period in which it publishes. */
export function keysNeeded(pattern: Pattern, periods: number): number {
  if (pattern === 'idle') return Math.ceil(periods / IDLE_PERIODS)
  if (pattern === 'bursty') return Math.ceil(periods / BURST_PERIODS)
  return periods
}

/** KMS requests for each data key: one to issue it, one for each further gateway that seals with it, one to deliver. */
export function requestsPerKey(pattern: Pattern, gateways: number): number {
  // The one message of an idle publisher's key meets one gateway.
  return pattern === 'idle' ? 2 : gateways + 1
}

/**
 * How late keys may be asked for by the end of a window, since a key is replaced by the first message after its end: at
 * most the gap between two messages each time. Below the length of a period, as many keys are needed as there are periods.
 */
export function mostDriftMs({ rate, periods }: Pace): number {
  return ((periods - 1) * 1000) / rate
}

/** @returns whether a steady publisher certainly needs a key for each period, as far as its own pace decides */
export function keepsPeriods(pace: Pace, gateways: number): boolean {
  const reuseMs = pace.reuseSeconds * 1000
  const quietMs = Math.min(MOST_QUIET_MS, reuseMs * QUIET_SHARE)
  return mostDriftMs(pace) + (gateways * 1000) / pace.rate < reuseMs - quietMs
}
