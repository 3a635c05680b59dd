export { type BrokerMetrics, createBrokerMetrics } from './broker-metrics.ts'
