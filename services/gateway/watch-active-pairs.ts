/**
 * Looks at how many pairs are active, twice a second: one command that Redis answers without looking at the pairs.
 *
 * While Redis does not answer, what was counted last stands for as long as a data key lasts: by then none is left that
 * was counted.
 */

import type { Clock } from '#shared/clock'

const EVERY_MS = 500

/** @param o.count rejects when Redis does not answer */
export function watchActivePairs(o: {
  count: () => Promise<number>
  clock: Clock
  reuseMs: number
  onCount: (pairs: number) => void
  everyMs?: number
}): Disposable {
  let countedAt = o.clock.now()
  let isCounting = false
  const look = async () => {
    if (isCounting) return
    isCounting = true
    try {
      o.onCount(await o.count())
      countedAt = o.clock.now()
    } catch {
      // Who publishes says what is wrong with Redis.
      if (o.clock.now() - countedAt > o.reuseMs) o.onCount(0)
    } finally {
      isCounting = false
    }
  }
  void look()
  const timer = setInterval(() => void look(), o.everyMs ?? EVERY_MS)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
