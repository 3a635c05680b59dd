/**
 * Which hosts have been slowest lately: the ten with the longest mean attempt, as a gauge whose series change.
 *
 * Ten at a time and no more, so that a label which whoever subscribes can choose stays bounded. A host that nothing was
 * sent to for a while is not slow any more, as far as anybody knows.
 */

import type { Clock } from '#shared/clock'
import { createLruMap } from '#shared/lru-map'
import type { Metrics } from '#shared/metrics'

export interface SlowestHosts {
  /** Once an attempt. @param host with its port, if it names one; never more of a URL */
  note(host: string, seconds: number): void
}

const SHOWN = 10
/** Hosts remembered; with more, those that were sent to longest ago are forgotten. About 200 KB. */
const REMEMBERED = 1_000
const LATELY_MS = 300_000
/** Of each attempt in the mean: as for the endpoints themselves. */
const WEIGHT = 1 / 8

interface Host {
  meanSeconds: number
  lastAt: number
}

export function createSlowestHosts(metrics: Metrics, clock: Clock): SlowestHosts {
  const gauge = metrics.gauge(
    'sealcast_slowest_endpoint_seconds',
    'Mean duration of the latest attempts at an endpoint host, of the ten slowest hosts of the last five minutes.',
    ['host'],
  )
  const hosts = createLruMap<Host>(REMEMBERED)
  let shown: readonly string[] = []

  metrics.beforeExposing(() => {
    const since = clock.now() - LATELY_MS
    const slowest = [...hosts.entries()]
      .filter(([, { lastAt }]) => lastAt > since)
      .toSorted(([, one], [, other]) => other.meanSeconds - one.meanSeconds)
      .slice(0, SHOWN)
    for (const host of shown) gauge.remove({ host })
    for (const [host, { meanSeconds }] of slowest) gauge.set({ host }, meanSeconds)
    shown = slowest.map(([host]) => host)
  })

  return {
    note(host, seconds) {
      const known = hosts.get(host)
      if (known === undefined) {
        hosts.set(host, { meanSeconds: seconds, lastAt: clock.now() })
        return
      }
      known.meanSeconds += (seconds - known.meanSeconds) * WEIGHT
      known.lastAt = clock.now()
    },
  }
}
