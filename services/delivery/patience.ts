/**
 * How long the first attempts of one entry are waited for: a short time, and a longer one for endpoints that
 * are about to answer. One timer an entry; the second only where somebody asks for it.
 */

import { FIRST_ATTEMPT_MS, MOVING_ENDPOINT_MS } from './limits.ts'

export interface Patience extends Disposable {
  /** Resolves after {@link FIRST_ATTEMPT_MS}. */
  readonly short: Promise<undefined>
  /** Resolves after {@link MOVING_ENDPOINT_MS} from the first call. */
  long(): Promise<undefined>
}

export function createPatience(): Patience {
  const timers: NodeJS.Timeout[] = []
  const after = (ms: number): Promise<undefined> =>
    new Promise((resolve) => {
      // Answers that came while this process was busy are read after timers and before immediates: they are not late.
      timers.push(setTimeout(() => setImmediate(() => resolve(undefined)), ms))
    })
  let long: Promise<undefined> | undefined
  return {
    short: after(FIRST_ATTEMPT_MS),
    long() {
      long ??= after(MOVING_ENDPOINT_MS)
      return long
    },
    [Symbol.dispose]() {
      for (const timer of timers) clearTimeout(timer)
    },
  }
}
