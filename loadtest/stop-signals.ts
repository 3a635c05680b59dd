/**
 * Ctrl-C: the first press ends the run in order, with its report; a later one ends at once.
 *
 * One press arrives several times (from the terminal, from npm, from the bootstrap), so what follows within a moment is
 * the same request.
 */

const SAME_REQUEST_MS = 1_000

/** @param onStop called once, at the first request */
export function listenForStop(onStop: () => void): AbortSignal {
  const stop = new AbortController()
  let firstAt: number | undefined
  const receive = () => {
    if (firstAt !== undefined && performance.now() - firstAt >= SAME_REQUEST_MS) process.exit(130)
    if (firstAt !== undefined) return
    firstAt = performance.now()
    onStop()
    stop.abort()
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, receive)
  return stop.signal
}
