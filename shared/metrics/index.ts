export type { BoundHistogram } from './bound-histogram.ts'
export { boundedSeries, OTHER } from './bounded-series.ts'
export { type BoundCounter, type Counter, createMetrics, type Gauge, type Histogram, type Metrics } from './metrics.ts'
export { type MetricsServer, serveMetrics } from './serve-metrics.ts'
