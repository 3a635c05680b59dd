/**
 * Whether something that failed lately may be asked again.
 *
 *   closed ── n failures in a row ─→ open ── pause over ─→ half-open ── the one probe ── succeeded ─→ closed
 *                                      ↑                                  └── failed, with a longer pause ─→ open
 *
 * Whoever is admitted reports back. A report counts only for the state it was admitted in: what was under way when the
 * breaker opened says nothing new, and neither opens it again nor closes it. Pure: the time is an argument.
 */

export interface Permit {
  /** It was answered, if only by a refusal. */
  succeeded(): void
  failed(now: number): void
  /** It came to nothing that says anything: another may probe instead. */
  abandoned(): void
}

export interface CircuitBreaker {
  readonly state: 'closed' | 'open' | 'half-open'
  /** @returns undefined when nobody may ask now */
  admit(now: number): Permit | undefined
  /** Somebody who had not to ask for admission found that it works. */
  close(): void
}

interface BreakerSettings {
  /** Failures in a row that open it. */
  readonly threshold: number
  /** The first pause; each failed probe doubles it. */
  readonly pauseMs: number
  readonly maxPauseMs: number
}

export function createCircuitBreaker(o: BreakerSettings): CircuitBreaker {
  let state: CircuitBreaker['state'] = 'closed'
  let failures = 0
  let pauseMs = o.pauseMs
  let opened = { at: 0, pauseMs: 0 }
  /** Changes with the state, so that reports from before it are told apart. */
  let era = {}

  const enter = (next: CircuitBreaker['state']) => {
    state = next
    era = {}
  }
  const close = () => {
    failures = 0
    pauseMs = o.pauseMs
    if (state !== 'closed') enter('closed')
  }
  const open = (now: number) => {
    enter('open')
    opened = { at: now, pauseMs }
    pauseMs = Math.min(2 * pauseMs, o.maxPauseMs)
  }

  /** A clock that was set back makes nobody wait until it is that late again. */
  const isPausing = (now: number) => now >= opened.at && now < opened.at + opened.pauseMs

  return {
    get state() {
      return state
    },
    admit(now) {
      if (state === 'half-open' || (state === 'open' && isPausing(now))) return undefined
      if (state === 'open') enter('half-open')
      const admittedIn = era
      const once = (report: () => void) => {
        if (era === admittedIn) report()
      }
      return {
        succeeded: () => once(close),
        failed: (now) =>
          once(() => {
            failures++
            if (state === 'half-open' || failures >= o.threshold) open(now)
          }),
        abandoned: () =>
          once(() => {
            // Its pause is over already.
            if (state === 'half-open') enter('open')
          }),
      }
    },
    close,
  }
}
