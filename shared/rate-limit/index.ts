export { createSubscriptionRate, type SubscriptionRate } from './subscription-rate.ts'
