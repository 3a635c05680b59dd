/**
 * A histogram whose series are looked up once and then only added to, for what is observed once a message.
 *
 * prom-client validates, sorts and joins the labels at each observation, bound or not: 0.9 µs here, against 0.03 for
 * this. It is asked for the text alone.
 */

import type * as prom from 'prom-client'

export interface BoundHistogram {
  observe(value: number): void
}

interface Series {
  readonly labels: Readonly<Record<string, string>>
  /** Observations by bucket, not summed up; the last one is above all bounds. */
  readonly counts: number[]
  sum: number
}

/** @param buckets upper bounds, ascending */
export function createBoundHistogram(o: {
  name: string
  help: string
  buckets: readonly number[]
  labels: readonly string[]
}) {
  const { name, help } = o
  const bounds = [...o.buckets]
  const all: Series[] = []
  return {
    /** Each set of labels once. */
    bind(labels: Readonly<Record<string, string>>): BoundHistogram {
      const series: Series = { labels, counts: new Array<number>(bounds.length + 1).fill(0), sum: 0 }
      all.push(series)
      return {
        observe(value) {
          if (!Number.isFinite(value)) return
          let at = 0
          while (at < bounds.length && value > (bounds[at] ?? 0)) at++
          series.counts[at] = (series.counts[at] ?? 0) + 1
          series.sum += value
        },
      }
    },
    /** What a registry of prom-client asks its metrics for. */
    asMetric: () => ({
      name,
      help,
      type: 'histogram' as unknown as prom.MetricType,
      labelNames: o.labels,
      async get() {
        return { name, help, type: 'histogram', aggregator: 'sum', values: all.flatMap((series) => valuesOf(series)) }
      },
    }),
  }

  function valuesOf({ labels, counts, sum }: Series) {
    let count = 0
    const buckets = counts.map((more, at) => {
      count += more
      return { metricName: `${name}_bucket`, labels: { le: String(bounds[at] ?? '+Inf'), ...labels }, value: count }
    })
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ]
  }
}
