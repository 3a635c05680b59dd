/**
 * Keeps Node's inspector shut: whoever may connect to it reads all memory, data keys included.
 *
 * SIGUSR1 would open it in a running process; a listener takes its place. Opened by `--inspect` or
 * NODE_OPTIONS it stays open, with a warning: somebody wanted it.
 */

import { url } from 'node:inspector'

export function keepInspectorShut(log: { warn(event: string, fields: Readonly<Record<string, string>>): void }): void {
  process.on('SIGUSR1', () => log.warn('process.inspector-refused', { advice: 'SIGUSR1 does nothing here' }))
  if (url() === undefined) return
  const advice = 'whoever may connect to it reads all memory, data keys included: start without --inspect'
  log.warn('process.inspector-open', { advice })
}
