/**
 * While something is being installed, a signal ends us through `exit`, so that what has to be undone
 * then (locks, guards, running installers) is undone.
 */

import { constants } from 'node:os'
import process from 'node:process'

export const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']

/** @returns a function that ends this */
export function exitOnSignals() {
  const handlers = STOP_SIGNALS.map((signal) => [signal, () => process.exit(128 + constants.signals[signal])])
  for (const [signal, handler] of handlers) process.on(signal, handler)
  return () => {
    for (const [signal, handler] of handlers) process.removeListener(signal, handler)
  }
}
