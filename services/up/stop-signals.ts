/**
 * Requests to restart, SIGUSR2, and to stop: SIGINT, SIGTERM, SIGHUP, and the end of whoever started us with an IPC channel.
 *
 * The first asks for an orderly stop. A later one hurries; but one press of Ctrl-C arrives several times
 * (from the terminal, from npm, from the bootstrap), so what follows within a moment is the same request.
 */

const SAME_REQUEST_MS = 1_000

export interface StopSignals {
  readonly stop: AbortSignal
  readonly hurry: AbortSignal
  /** Not SIGHUP, as elsewhere: that comes from a terminal that closes, and then everything is to end. */
  onRestart(listener: () => void): void
}

export function listenForStopSignals(source: NodeJS.EventEmitter = process): StopSignals {
  const stop = new AbortController()
  const hurry = new AbortController()
  let firstAt: number | undefined
  const receive = () => {
    firstAt ??= performance.now()
    if (performance.now() - firstAt < SAME_REQUEST_MS) stop.abort()
    else hurry.abort()
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect']) source.on(name, receive)
  const listeners: (() => void)[] = []
  // Heeded from the start: what nobody listens to would end this process without a word.
  source.on('SIGUSR2', () => {
    for (const listener of listeners) listener()
  })
  return { stop: stop.signal, hurry: hurry.signal, onRestart: (listener) => void listeners.push(listener) }
}
