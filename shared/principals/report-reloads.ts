/** What a service says about its principals file: a log line and a metric for each reload, good or bad. */

import type { Log } from '#shared/log'
import type { Metrics } from '#shared/metrics'

interface Reports {
  onReload: () => void
  onReloadFailure: (error: unknown) => void
}

/** @returns what `openPrincipals` is to tell */
export function reportReloads({ log, metrics }: { log: Log; metrics: Metrics }): Reports {
  const staleness = reportStaleness({ log, metrics })
  const reloads = metrics.counter('sealcast_principals_reloads_total', 'Changes of the principals file, by outcome.', [
    'outcome',
  ])
  for (const outcome of ['ok', 'failed']) reloads.add({ outcome }, 0)
  return {
    onReload() {
      staleness.onReload()
      reloads.add({ outcome: 'ok' })
      log.info('principals.reloaded')
    },
    onReloadFailure(error) {
      staleness.onReloadFailure(error)
      reloads.add({ outcome: 'failed' })
    },
  }
}

/** Of a further thread, which reads the same file: that it could not is news, that it did is none. */
export function reportStaleness({ log, metrics }: { log: Log; metrics: Metrics }): Reports {
  const stale = metrics.gauge(
    'sealcast_principals_stale',
    '1 while the principals file cannot be used as it lies there, and the last good one stays in force.',
  )
  stale.set({}, 0)
  return {
    onReload: () => stale.set({}, 0),
    onReloadFailure(error) {
      stale.set({}, 1)
      log.error('principals.reload-failed', {}, error)
    },
  }
}
