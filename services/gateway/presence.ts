/**
 * Sees to it that the other gateways know of this one for as long as it stores anything.
 *
 * Who changes a topic waits for the gateways it finds on the list of members. One that has fallen off (it was
 * paused, or Redis was gone for long) is not waited for, so it must not decide by anything it read before it was
 * back on. `isKnown` therefore ends early, by what an append may take, and whoever reads afterwards beats first.
 */

import type { Clock } from '#shared/clock'

export interface Presence {
  /** Whether who changes a topic waits for this gateway, now and for as long as an append begun now may take. */
  isKnown(): boolean
  /** Resolves when it is so. @throws what Redis answers */
  makeKnown(): Promise<void>
  /** Something happened after which it may not be so. */
  doubt(): void
  /** Beats no more. */
  stop(): void
}

/**
 * @param o.ttlMs of a beat
 * @param o.marginMs longest time from the check before an append to its end
 * @param o.onLapse it was not known for a while: what was read before must be forgotten
 */
export function createPresence({
  beat,
  clock,
  ttlMs,
  marginMs,
  onLapse,
}: {
  beat: () => Promise<unknown>
  clock: Clock
  ttlMs: number
  marginMs: number
  onLapse: () => void
}): Presence {
  let beatAt: number | undefined
  let beating: Promise<void> | undefined
  let doubts = 0

  const isKnown = () => {
    if (beatAt === undefined) return false
    const age = clock.now() - beatAt
    // The lower bound is for a clock that was set back.
    return age >= 0 && age < ttlMs - marginMs
  }
  const beatOnce = async () => {
    const startedAt = clock.now()
    const doubtsBefore = doubts
    await beat()
    if (!isKnown()) onLapse()
    // What was doubted meanwhile, this beat may have come before.
    if (doubts === doubtsBefore) beatAt = startedAt
  }
  const makeKnown = () => {
    beating ??= beatOnce().finally(() => {
      beating = undefined
    })
    return beating
  }
  // A third: two may be lost. A failure is noticed by whoever publishes.
  const timer = setInterval(() => void makeKnown().catch(() => undefined), ttlMs / 3)
  return {
    isKnown,
    makeKnown,
    doubt() {
      doubts++
      beatAt = undefined
      onLapse()
    },
    stop: () => clearInterval(timer),
  }
}
