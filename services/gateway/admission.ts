/**
 * Decides which requests are worked on when more come than can be: before their signature is verified,
 * since verifying, sealing and storing are what overload is made of.
 *
 * Two bounds. By number: so many read and unanswered at once, the newest refused; an admitted request
 * waits for nothing but the machine, so the number divided by the capacity bounds its latency. By time:
 * a request that may have lain in this process for longer than a publisher cares is refused too. Node
 * tells nobody when bytes arrived, but not before the event loop last came round, and a heartbeat says
 * when that was: through long turns, garbage collection and a stopped process alike.
 *
 * Refusals are paced, by what is being answered. With 5,000 connections that asked again at once, refusing
 * at once left a sixth of the capacity to publishes; paced, 80 % (loadtest/overload). It costs publishers nothing: SDKs
 * pause before another attempt anyway, and a connection asks once at a time.
 */

import type { Clock } from '#shared/clock'

/** `body-budget`: no room for the body (read-body.ts). */
export const REFUSAL_REASONS = ['in-flight', 'waited', 'body-budget'] as const
export type RefusalReason = (typeof REFUSAL_REASONS)[number]

export interface Admission {
  /**
   * @param o.isLink whether it may be one of the links in notifications, which some publishes make room for
   * @returns what ends the request's stay, or why it is refused
   */
  enter(o: { isLink: boolean }): (() => void) | RefusalReason
  /** Resolves when the refusal is to be sent. @returns whether the connection ends with it */
  refuse(reason: RefusalReason): Promise<{ close: boolean }>
}

/** What the event loop may have left lying and is worked on after all. */
const LONGEST_WAIT_MS = 1000
/** Room for links, as a share of the bound by number and on top of it. */
const LINK_RESERVE = 0.25
/** Refusals for each request that was worked on: one costs about a third of a publish, so they take a tenth of the process. */
const REFUSALS_PER_ANSWER = 1 / 3
const MIN_REFUSALS_PER_SECOND = 100
const MAX_REFUSALS_PER_SECOND = 3000
/** Over which answers are counted: what the machine can do changes with what else it does. */
const RATE_WINDOW_MS = 250
/** Well before any client gives up, whatever the rate. */
const LONGEST_PAUSE_MS = 5000
/** Pipelining lets one connection ask often: beyond this, refusals are sent at once and end their connection. */
const MAX_PAUSED = 20_000

/**
 * @param o.lastTurnAt when the event loop last came round, by the same clock
 * @param o.pause resolves after so many milliseconds
 */
export function createAdmission(o: {
  maxInFlight: number
  clock: Clock
  lastTurnAt: () => number
  pause: (ms: number) => Promise<unknown>
  onInFlight: (count: number) => void
  onRefused: (reason: RefusalReason) => void
}): Admission {
  const maxWithLinks = Math.ceil(o.maxInFlight * (1 + LINK_RESERVE))
  let inFlight = 0
  let paused = 0
  let nextRefusalAt = 0
  let refusalsPerSecond = MAX_REFUSALS_PER_SECOND
  let windowStartedAt = o.clock.now()
  let answers = 0
  const restartWindow = () => {
    windowStartedAt = o.clock.now()
    answers = 0
  }
  const countAnswer = () => {
    answers++
    const elapsedMs = o.clock.now() - windowStartedAt
    // Negative when somebody set the clock back.
    if (elapsedMs >= 0 && elapsedMs < RATE_WINDOW_MS) return
    const affordable = (answers / Math.max(elapsedMs, RATE_WINDOW_MS)) * 1000 * REFUSALS_PER_ANSWER
    refusalsPerSecond = Math.min(Math.max(affordable, MIN_REFUSALS_PER_SECOND), MAX_REFUSALS_PER_SECOND)
    restartWindow()
  }
  return {
    enter({ isLink }) {
      if (o.clock.now() - o.lastTurnAt() > LONGEST_WAIT_MS) return 'waited'
      if (inFlight >= (isLink ? maxWithLinks : o.maxInFlight)) return 'in-flight'
      // Idle time would count as the machine's slowness.
      if (inFlight === 0) restartWindow()
      o.onInFlight(++inFlight)
      let hasLeft = false
      return () => {
        if (hasLeft) return
        hasLeft = true
        countAnswer()
        o.onInFlight(--inFlight)
      }
    },
    async refuse(reason) {
      o.onRefused(reason)
      if (paused >= MAX_PAUSED) return { close: true }
      const now = o.clock.now()
      const dueAt = Math.max(nextRefusalAt, now)
      nextRefusalAt = Math.min(dueAt, now + LONGEST_PAUSE_MS) + 1000 / refusalsPerSecond
      paused++
      await o.pause(Math.min(dueAt - now, LONGEST_PAUSE_MS))
      paused--
      return { close: false }
    },
  }
}
