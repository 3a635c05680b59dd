/** What KMS requests cost, by the price list that comes along. Keys have a price of their own, which is not in it. Pure. */

import { KMS_PRICES } from './prices.ts'

export interface RequestCost {
  readonly freeRequests: number
  readonly billedRequests: number
  readonly usdPer10000Requests: number
  readonly usd: number
}

const DAYS_PER_MONTH = 365 / 12

/**
 * Months are whole ones, the nearest number and at least one: 28 and 31 days are both a month, with its free requests.
 *
 * @returns undefined for a region whose price is not in the list
 */
export function costOf(o: { requests: number; days: number; region: string }): RequestCost | undefined {
  const price = Object.hasOwn(KMS_PRICES.usdPer10000Requests, o.region)
    ? KMS_PRICES.usdPer10000Requests[o.region]
    : undefined
  if (price === undefined) return undefined
  const months = Math.max(1, Math.round(o.days / DAYS_PER_MONTH))
  const freeRequests = Math.min(o.requests, months * KMS_PRICES.freeRequestsPerMonth)
  const billedRequests = o.requests - freeRequests
  // In millionths first: 0.000003 has no exact form.
  const usd = Math.round((billedRequests * price * 1e6) / 10_000) / 1e6
  return { freeRequests, billedRequests, usdPer10000Requests: price, usd }
}
