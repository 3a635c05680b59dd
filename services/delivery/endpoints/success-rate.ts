/** How many attempts succeed in a second, lately. Two windows, so that a look right after a window's start still knows the one before. */

import type { Clock } from '#shared/clock'

export interface SuccessRate {
  note(): void
  perSecond(): number
}

const WINDOW_MS = 250

export function createSuccessRate(clock: Clock): SuccessRate {
  let window = 0
  let current = 0
  let previous = 0

  const turn = (): number => {
    const now = clock.now()
    const at = Math.floor(now / WINDOW_MS)
    if (at !== window) {
      previous = at === window + 1 ? current : 0
      current = 0
      window = at
    }
    return now - at * WINDOW_MS
  }

  return {
    note() {
      turn()
      current++
    },
    perSecond() {
      const elapsed = turn()
      return ((previous + current) * 1000) / (WINDOW_MS + elapsed)
    },
  }
}
