/**
 * Counters, gauges and histograms of one process. The one place that knows prom-client.
 *
 * Labels are bounded by construction: each metric names its label set, and no caller may put a
 * message id, an endpoint or free text there.
 */

import * as prom from 'prom-client'

export interface Counter<L extends string> {
  add(labels: Readonly<Record<L, string>>, by?: number): void
}

export interface Gauge<L extends string> {
  set(labels: Readonly<Record<L, string>>, value: number): void
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
  /** The text exposition and its content type. */
  expose(): Promise<{ contentType: string; text: string }>
}

/** @param service the process's name; a label on the standard process metrics */
export function createMetrics({ service }: { service: string }): Metrics {
  const registry = new prom.Registry()
  prom.collectDefaultMetrics({ register: registry, labels: { service } })
  const registers = [registry]
  return {
    counter(name, help, labels = []) {
      const counter = new prom.Counter({ name, help, labelNames: [...labels], registers })
      // A series without labels exists from the start, so that rate() sees its first increment.
      if (labels.length === 0) counter.inc(0)
      return { add: (values, by = 1) => counter.inc(values, by) }
    },
    gauge(name, help, labels = []) {
      const gauge = new prom.Gauge({ name, help, labelNames: [...labels], registers })
      return { set: (values, value) => gauge.set(values, value) }
    },
    histogram(name, help, buckets, labels = []) {
      const histogram = new prom.Histogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers })
      return { observe: (values, value) => histogram.observe(values, value) }
    },
    async expose() {
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
  }
}
