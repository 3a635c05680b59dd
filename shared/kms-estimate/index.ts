export { costOf, type RequestCost } from './cost.ts'
export { type CountedCost, type CountedMonth, costOfMonths, listPriceOf } from './cost-of-months.ts'
export { type Estimate, estimateRequests, type TopicEstimate } from './estimate-requests.ts'
export { KMS_PRICES } from './prices.ts'
