/**
 * How much one subscription's endpoint is given at once by this process: permits, more or fewer by what
 * came of the attempts.
 *
 * healthy ──BREAK_AFTER attempts failed in a row──▶ unhealthy ──one success──▶ healthy
 *
 * Healthy: up to `limit` attempts at once. The limit starts in the middle, grows by one with each success
 * that used half of it, and is halved when an attempt fails (once for all that were under way together): an
 * endpoint that takes one request a second ends near the few it can hold, a fast one is not held back.
 * Unhealthy: one attempt at a time, with a pause before each. An endpoint that answers its refusals costs
 * little and is asked often, so that each of its messages comes to its end; one that does not answer, less.
 *
 * A permit is no attempt: whoever gets none has consumed nothing. Those who wait are served in order.
 */

import type { Clock } from '#shared/clock'
import { createHolds } from './holds.ts'
import { createSuccessRate } from './success-rate.ts'

/** What an attempt says about its endpoint. */
export type Served =
  /** It took the message, or said for good that it does not want it. */
  | 'served'
  /** It answered that it cannot take it now. */
  | 'refused'
  /** No answer came. */
  | 'unanswered'
  /** Nothing was sent. */
  | 'untried'

export interface Permit {
  /** To be called once. */
  leave(served: Served): void
}

export interface Endpoint {
  readonly isUnhealthy: boolean
  /** Permits are taken or waited for. */
  readonly isInUse: boolean
  /** Not in use, and either like a new one or left alone for so long that it may be another one by now. */
  readonly isIdle: boolean
  /** The latest attempt got no answer. */
  readonly isSilent: boolean
  /** How many wait for a permit. */
  readonly waiting: number
  /** How long all that it has now will take it at the rate of its latest successes, in ms; infinite when there are none. */
  expectedMs(): number
  /** A permit if one is free and nobody waits. */
  tryEnter(): Permit | undefined
  /** A permit, in order of asking; undefined when `signal` aborts first. */
  enter(signal: AbortSignal): Promise<Permit | undefined>
  /** How long its attempts take, lately, in ms. */
  readonly attemptMs: number
  /** When somebody who does not wait in line should ask again, in ms: each call is given a later time. */
  holdMs(): number
}

/** Attempts under way in the whole process. */
export interface AttemptCount {
  underWay: number
  readonly capacity: number
}

/** Attempts at once of an endpoint nothing is known of. */
const FIRST_LIMIT = 64
const MAX_LIMIT = 256
/** Failures in a row; no other success, no other endpoint counts. */
const BREAK_AFTER = 16
/** Pause before an attempt at an unhealthy endpoint, in thousandths of a second of a retry policy. */
const PAUSE_AFTER_REFUSAL = 50
const PAUSE_UNANSWERED = { first: 100, longest: 1_000 } as const
/** Beyond the longest delay of any policy nothing of it is to come: its subscription is gone, or nobody publishes. */
const FORGET_FAILURES_MS = 3_600_000 + 60_000

/**
 * @param attempts shared by all endpoints: beyond its capacity only those with nothing under way are served
 * @param thousandthMs length of a thousandth of a retry policy's second
 */
export function createEndpoint({
  attempts,
  clock,
  thousandthMs,
}: {
  attempts: AttemptCount
  clock: Clock
  thousandthMs: number
}): Endpoint {
  let limit = FIRST_LIMIT
  let inUse = 0
  let failures = 0
  let unanswered = 0
  let lastFailedAt = 0
  let pauseMs = 0
  let pausedUntil = 0
  let pauseTimer: NodeJS.Timeout | undefined
  let halvings = 0
  let meanMs = 0
  const nextHold = createHolds(clock)
  const successes = createSuccessRate(clock)
  const line: ((permit: Permit) => void)[] = []

  const isUnhealthy = () => failures >= BREAK_AFTER
  const isInUse = () => inUse > 0 || line.length > 0

  const hasRoom = (): boolean =>
    inUse < limit && clock.now() >= pausedUntil && (inUse === 0 || attempts.underWay < attempts.capacity)

  const serveLine = (): void => {
    while (line.length > 0 && hasRoom()) line.shift()?.(enterNow())
  }

  const enterNow = (): Permit => {
    const startedAt = clock.now()
    const halvingsBefore = halvings
    inUse++
    attempts.underWay++
    return {
      leave(served) {
        inUse--
        attempts.underWay--
        if (served === 'served') noteSuccess(startedAt)
        else if (served !== 'untried') noteFailure(served, startedAt, halvingsBefore)
        serveLine()
      },
    }
  }

  const noteSuccess = (startedAt: number): void => {
    successes.note()
    noteDuration(startedAt)
    if (2 * (inUse + 1) >= limit) limit = Math.min(MAX_LIMIT, limit + 1)
    failures = 0
    unanswered = 0
    pauseMs = 0
    pausedUntil = 0
  }

  const noteFailure = (served: 'refused' | 'unanswered', startedAt: number, halvingsBefore: number): void => {
    noteDuration(startedAt)
    failures++
    lastFailedAt = clock.now()
    unanswered = served === 'unanswered' ? unanswered + 1 : 0
    if (halvingsBefore === halvings) {
      halvings++
      limit = Math.max(1, Math.floor(limit / 2))
    }
    if (!isUnhealthy()) return
    limit = 1
    pauseMs = pauseAfter(unanswered) * thousandthMs
    pausedUntil = clock.now() + pauseMs
    clearTimeout(pauseTimer)
    pauseTimer = setTimeout(endPause, pauseMs)
    pauseTimer.unref()
  }

  /** Whatever the clock says: a timer may be early by part of a millisecond, and nobody would wake the line again. */
  const endPause = (): void => {
    pausedUntil = 0
    serveLine()
  }

  const noteDuration = (startedAt: number): void => {
    meanMs += (clock.now() - startedAt - meanMs) / 8
  }

  return {
    get isUnhealthy() {
      return isUnhealthy()
    },
    get isInUse() {
      return isInUse()
    },
    get isIdle() {
      if (isInUse()) return false
      return failures === 0 || clock.now() - lastFailedAt >= FORGET_FAILURES_MS
    },
    get isSilent() {
      return unanswered > 0
    },
    get waiting() {
      return line.length
    },
    expectedMs: () => ((inUse + line.length) * 1000) / successes.perSecond(),
    tryEnter: () => (line.length === 0 && hasRoom() ? enterNow() : undefined),
    enter(signal) {
      if (signal.aborted) return Promise.resolve(undefined)
      if (line.length === 0 && hasRoom()) return Promise.resolve(enterNow())
      return new Promise((resolve) => {
        const give = (permit: Permit) => {
          signal.removeEventListener('abort', leaveLine)
          resolve(permit)
        }
        const leaveLine = () => {
          line.splice(line.indexOf(give), 1)
          resolve(undefined)
        }
        signal.addEventListener('abort', leaveLine, { once: true })
        line.push(give)
      })
    },
    get attemptMs() {
      return meanMs
    },
    holdMs: () => nextHold(Math.max(pauseMs, meanMs / limit)),
  }
}

/** @returns thousandths of a second */
function pauseAfter(unanswered: number): number {
  if (unanswered === 0) return PAUSE_AFTER_REFUSAL
  const doublings = Math.max(0, unanswered - BREAK_AFTER)
  return Math.min(PAUSE_UNANSWERED.longest, PAUSE_UNANSWERED.first * 2 ** Math.min(doublings, 10))
}
