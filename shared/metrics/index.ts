export type { BoundHistogram } from './bound-histogram.ts'
export { boundedSeries, OTHER } from './bounded-series.ts'
export { type CertificateGauge, type CertificateName, createCertificateGauge } from './certificate-gauge.ts'
export { keepSampling } from './keep-sampling.ts'
export {
  type BoundCounter,
  type Counter,
  createMetrics,
  type Gauge,
  type Histogram,
  type Metrics,
  type MetricsSnapshot,
} from './metrics.ts'
export { type MetricsServer, serveMetrics } from './serve-metrics.ts'
