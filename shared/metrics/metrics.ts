/**
 * Counters, gauges and histograms of one process, or of one of its threads. The one place that knows prom-client.
 *
 * Labels are bounded by construction: each metric names its label set, and no caller may put a
 * message id, an endpoint or free text there.
 *
 * The page names the labels of each metric in a comment, which Prometheus passes over: a metric that has no series yet
 * shows its name and type, but nothing else would tell what its series are going to be labelled with.
 *
 * A process of several threads has one page: counters and histograms of the same labels are summed up, of gauges it
 * shows the highest unless they say otherwise.
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

/** What the metrics of a thread show, as it goes from thread to thread. */
export type MetricsSnapshot = readonly prom.MetricObjectWithValues<prom.MetricValue<string>>[]

export interface Metrics {
  counter<L extends string = never>(name: string, help: string, labels?: readonly L[]): Counter<L>
  /** @param o.threads what the page shows of the threads' values */
  gauge<L extends string = never>(
    name: string,
    help: string,
    labels?: readonly L[],
    o?: { readonly threads: 'max' | 'sum' },
  ): Gauge<L>
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
  /** Of a thread, without what is the process's. */
  snapshot(): Promise<MetricsSnapshot>
  /** The page shows what another thread of the process has, too. @param read rejects where that cannot be known: then there is no page */
  include(read: () => Promise<MetricsSnapshot>): void
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
    aggregator: 'max',
    registers,
  })
  build.set({ version: packageJson.version, service }, 1)
  const others: (() => Promise<MetricsSnapshot>)[] = []
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
    gauge(name, help, labels = [], { threads } = { threads: 'max' }) {
      const gauge = new prom.Gauge({ name, help, labelNames: [...labels], aggregator: threads, registers })
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
    async snapshot() {
      for (const refresh of refreshes) refresh()
      return (await registry.getMetricsAsJSON()).filter(({ name }) => !name.startsWith('process_'))
    },
    include: (read) => void others.push(read),
    async expose() {
      for (const refresh of refreshes) refresh()
      const whole = others.length === 0 ? registry : await joined(registry, others)
      const text = await whole.metrics()
      return { contentType: registry.contentType, text: `${text}\n${labelComments(registry)}` }
    },
  }
}

async function joined(own: prom.Registry, others: readonly (() => Promise<MetricsSnapshot>)[]): Promise<prom.Registry> {
  const threads = await Promise.all([own.getMetricsAsJSON(), ...others.map((read) => read())])
  const shown = threads.map((metrics) => metrics.map((one) => ({ ...one, aggregator: aggregatorOf(one) })))
  return prom.AggregatorRegistry.aggregate(shown as Parameters<typeof prom.AggregatorRegistry.aggregate>[0])
}

/** How the standard metrics go together: the library leaves out what is one process's, which is all of what is here. */
function aggregatorOf({ name, aggregator }: { name: string; aggregator: prom.Aggregator }): prom.Aggregator {
  if (aggregator === 'omit') return 'first'
  // One thread whose turns are late is what matters, and an average would hide it.
  return aggregator === 'average' && name.startsWith('nodejs_eventloop_lag') ? 'max' : aggregator
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
