/** Says when the event loop last came round: what is read now has not lain in this process for longer. */

import type { Clock } from '#shared/clock'

const BEAT_MS = 50

export function startLoopHeartbeat(clock: Clock): Disposable & { lastTurnAt(): number } {
  let lastTurnAt = clock.now()
  const timer = setInterval(() => {
    lastTurnAt = clock.now()
  }, BEAT_MS)
  timer.unref()
  return { lastTurnAt: () => lastTurnAt, [Symbol.dispose]: () => clearInterval(timer) }
}
