export { type CertificateGauge, type CertificateName, createCertificateGauge } from './certificate-gauge.ts'
export { type Counter, createMetrics, type Gauge, type Histogram, type Metrics } from './metrics.ts'
export { type MetricsServer, serveMetrics } from './serve-metrics.ts'
