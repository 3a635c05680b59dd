export { costOf, type RequestCost } from './cost.ts'
export { type Estimate, estimateRequests, type TopicEstimate } from './estimate-requests.ts'
export { KMS_PRICES } from './prices.ts'
