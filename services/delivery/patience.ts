/**
 * How long the first attempts of one entry are waited for: a short time, and a longer one for endpoints that
 * are about to answer. One timer an entry; the second only where somebody asks for it.
 *
 * Calls back rather than giving promises to race with: most attempts end long before.
 */

import { FIRST_ATTEMPT_MS, MOVING_ENDPOINT_MS } from './limits.ts'

export interface Patience {
  /** @returns what the attempt comes to, or undefined after {@link FIRST_ATTEMPT_MS} from the beginning */
  short<T>(attempt: Promise<T>): Promise<T | undefined>
  /** @returns the same after {@link MOVING_ENDPOINT_MS} from the first call */
  long<T>(attempt: Promise<T>): Promise<T | undefined>
  /** Nobody waits any more. */
  end(): void
}

export function createPatience(): Patience {
  const short = createLimit(FIRST_ATTEMPT_MS)
  let long: Limit | undefined
  return {
    short: (attempt) => within(short, attempt),
    long(attempt) {
      long ??= createLimit(MOVING_ENDPOINT_MS)
      return within(long, attempt)
    },
    end() {
      clearTimeout(short.timer)
      clearTimeout(long?.timer)
    },
  }
}

interface Limit {
  readonly timer: NodeJS.Timeout
  readonly waiting: (() => void)[]
  isOver: boolean
}

function createLimit(ms: number): Limit {
  // Answers that came while this process was busy are read after timers and before immediates: they are not late.
  const timer = setTimeout(() => setImmediate(end), ms)
  const limit: Limit = { timer, waiting: [], isOver: false }
  const end = () => {
    limit.isOver = true
    for (const giveUp of limit.waiting) giveUp()
  }
  return limit
}

function within<T>(limit: Limit, attempt: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    attempt.then(resolve, reject)
    if (limit.isOver) resolve(undefined)
    else limit.waiting.push(() => resolve(undefined))
  })
}
