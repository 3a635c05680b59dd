/**
 * Looks again and again at what no event tells of, for gauges: one look at a time, and cheap by construction.
 *
 * Between two looks lies a pause of at least twenty times what the last one took: where there is more to look at than
 * anybody thought of, gauges get older instead of the process slower. A look in vain is no work: whatever time ran out
 * over it, the next one comes soon, or an outage of a second would be shown for the better part of a minute.
 */

/** A twentieth of the time at most is spent on looking. */
const PAUSE_SHARE = 20

/**
 * Looks at once, and then after each pause. To be disposed of in order: no look begins afterwards, and it resolves when
 * the one under way has ended. (Closing the connection it reads from ends it at once.)
 *
 * @param sample resolves to whether there was an answer
 * @param pauseMs at least
 * @param onFailure told of what `sample` throws; the next look comes all the same
 */
export function keepSampling(
  sample: () => Promise<boolean>,
  { pauseMs, onFailure }: { pauseMs: number; onFailure: (error: unknown) => void },
): AsyncDisposable {
  let isOver = false
  let endPause = (): void => undefined

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  const run = async () => {
    while (!isOver) {
      const startedAt = performance.now()
      let isAnswered = true
      try {
        isAnswered = await sample()
      } catch (error) {
        if (!isOver) onFailure(error)
      }
      const workMs = isAnswered ? performance.now() - startedAt : 0
      if (!isOver) await pause(Math.max(pauseMs, PAUSE_SHARE * workMs))
    }
  }
  const ended = run()
  return {
    async [Symbol.asyncDispose]() {
      isOver = true
      endPause()
      await ended
    },
  }
}
