/**
 * Counters, gauges and histograms of one process. The one place that knows prom-client.
 *
 * Labels are bounded by construction: each metric names its label set, and no caller may put a
 * message id, an endpoint or free text there.
 *
 * The page names the labels of each metric in a comment, which Prometheus passes over: a metric that has no series yet
 * shows its name and type, but nothing else would tell what its series are going to be labelled with.
 */

import * as prom from 'prom-client'
import packageJson from '../../package.json' with { type: 'json' }
import { type BoundHistogram, createBoundHistogram } from './bound-histogram.ts'
import { seriesByLabels } from './series-by-labels.ts'

export interface Counter<L extends string> {
  add(labels: Readonly<Record<L, string>>, by?: number): void
  /** Shows a total that is counted elsewhere. One below the last is a counter that began anew, as Prometheus takes it. */
  mirror(labels: Readonly<Record<L, string>>, total: number): void
  /** One series, looked up once. Counts reach the page when it is asked for, those of `add` too. */
  bind(labels: Readonly<Record<L, string>>): BoundCounter
}

export interface BoundCounter {
  /** @param by not below 0 */
  add(by?: number): void
}

export interface Gauge<L extends string> {
  set(labels: Readonly<Record<L, string>>, value: number): void
  /** The series is no longer exposed. */
  remove(labels: Readonly<Record<L, string>>): void
}

export interface Histogram<L extends string> {
  observe(labels: Readonly<Record<L, string>>, value: number): void
}

export interface Metrics {
  counter<L extends string = never>(name: string, help: string, labels?: readonly L[]): Counter<L>
  gauge<L extends string = never>(name: string, help: string, labels?: readonly L[]): Gauge<L>
  /** @param buckets upper bounds, ascending, in the unit that ends the name */
  histogram<L extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: readonly L[],
  ): Histogram<L>
  /** A histogram of bound series alone. @param buckets as above */
  boundHistogram<L extends string>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels: readonly L[],
  ): { bind(labels: Readonly<Record<L, string>>): BoundHistogram }
  /** Calls `refresh` whenever the page is asked for, before it is written: for gauges of what is in memory. */
  beforeExposing(refresh: () => void): void
  /** The text exposition and its content type. */
  expose(): Promise<{ contentType: string; text: string }>
}

/** @param service the process's name; a label on the standard process metrics, and on which release of it runs */
export function createMetrics({ service }: { service: string }): Metrics {
  const registry = new prom.Registry()
  prom.collectDefaultMetrics({ register: registry, labels: { service } })
  const registers = [registry]
  const build = new prom.Gauge({
    name: 'sealcast_build_info',
    help: 'Always 1: which release of which service this process is.',
    labelNames: ['version', 'service'],
    registers,
  })
  build.set({ version: packageJson.version, service }, 1)
  const refreshes: (() => void)[] = []
  return {
    counter<L extends string>(name: string, help: string, labels: readonly L[] = []) {
      const counter = new prom.Counter({ name, help, labelNames: [...labels], registers })
      // A series without labels exists from the start, so that rate() sees its first increment.
      if (labels.length === 0) counter.inc(0)
      const bind = (values: Readonly<Record<L, string>>): BoundCounter => {
        let pending = 0
        counter.inc(values, 0)
        refreshes.push(() => {
          if (pending > 0) counter.inc(values, pending)
          pending = 0
        })
        return {
          add(by = 1) {
            if (by < 0) throw new RangeError(`Cannot count by ${by}`)
            pending += by
          },
        }
      }
      const seriesOf = seriesByLabels(labels, bind)
      return {
        add: (values: Readonly<Record<L, string>>, by?: number) => seriesOf(values).add(by),
        mirror(values: Readonly<Record<L, string>>, total: number) {
          counter.remove(values)
          counter.inc(values, total)
        },
        bind,
      }
    },
    gauge(name, help, labels = []) {
      const gauge = new prom.Gauge({ name, help, labelNames: [...labels], registers })
      return { set: (values, value) => gauge.set(values, value), remove: (values) => gauge.remove(values) }
    },
    histogram<L extends string>(name: string, help: string, buckets: readonly number[], labels: readonly L[] = []) {
      const histogram = createBoundHistogram({ name, help, buckets, labels })
      registry.registerMetric(histogram.asMetric() as unknown as prom.Metric)
      const seriesOf = seriesByLabels(labels, histogram.bind)
      // As a counter without labels.
      if (labels.length === 0) seriesOf({} as Readonly<Record<L, string>>)
      return { observe: (values: Readonly<Record<L, string>>, value: number) => seriesOf(values).observe(value) }
    },
    boundHistogram(name, help, buckets, labels) {
      const histogram = createBoundHistogram({ name, help, buckets, labels })
      registry.registerMetric(histogram.asMetric() as unknown as prom.Metric)
      return histogram
    },
    beforeExposing: (refresh) => void refreshes.push(refresh),
    async expose() {
      for (const refresh of refreshes) refresh()
      const text = await registry.metrics()
      return { contentType: registry.contentType, text: `${text}\n${labelComments(registry)}` }
    },
  }
}

/** `# LABELS <name> <label> <label> …` for each metric of ours that has labels. */
function labelComments(registry: prom.Registry): string {
  return registry
    .getMetricsAsArray()
    .flatMap((metric) => {
      const labels = labelsOf(metric)
      return metric.name.startsWith('sealcast_') && labels.length > 0
        ? [`# LABELS ${metric.name} ${labels.join(' ')}\n`]
        : []
    })
    .join('')
}

/** The library keeps them on the metric and leaves them out of its types. */
function labelsOf(metric: object): readonly string[] {
  return 'labelNames' in metric && Array.isArray(metric.labelNames) ? metric.labelNames : []
}
