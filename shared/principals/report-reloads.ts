/** What a service says about its principals file: a log line and a metric for each reload, good or bad. */

import type { Log } from '#shared/log'
import type { Metrics } from '#shared/metrics'

/** @returns what `openPrincipals` is to tell */
export function reportReloads({ log, metrics }: { log: Log; metrics: Metrics }): {
  onReload: () => void
  onReloadFailure: (error: unknown) => void
} {
  const stale = metrics.gauge(
    'sealcast_principals_stale',
    '1 while the principals file cannot be used as it lies there, and the last good one stays in force.',
  )
  const reloads = metrics.counter('sealcast_principals_reloads_total', 'Changes of the principals file, by outcome.', [
    'outcome',
  ])
  stale.set({}, 0)
  for (const outcome of ['ok', 'failed']) reloads.add({ outcome }, 0)
  return {
    onReload() {
      stale.set({}, 0)
      reloads.add({ outcome: 'ok' })
      log.info('principals.reloaded')
    },
    onReloadFailure(error) {
      stale.set({}, 1)
      reloads.add({ outcome: 'failed' })
      log.error('principals.reload-failed', {}, error)
    },
  }
}
