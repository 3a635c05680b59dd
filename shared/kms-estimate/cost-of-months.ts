/** What requests that were counted cost, each calendar month with its free ones. Pure. */

import { KMS_PRICES } from './prices.ts'

export interface CountedMonth {
  /** Requests by region. */
  readonly requests: Readonly<Record<string, number>>
  /** Requests of the same month that came before and are not among these: free ones went to them first. */
  readonly before: number
}

export interface CountedCost {
  /** Before free requests, which belong to the account and to no topic or publisher. */
  readonly usdAtListPrice: number
  readonly freeRequests: number
  readonly usd: number
  /** In regions whose price nobody has looked up; in neither sum. */
  readonly unpricedRequests: number
}

export function costOfMonths(months: readonly CountedMonth[]): CountedCost {
  const cost = { usdAtListPrice: 0, freeRequests: 0, usd: 0, unpricedRequests: 0 }
  for (const { requests, before } of months) {
    let [list, all] = [0, 0]
    for (const [region, count] of Object.entries(requests)) {
      const usd = listPriceOf({ region, requests: count })
      all += count
      if (usd === undefined) cost.unpricedRequests += count
      else list += usd
    }
    const free = Math.min(all, Math.max(0, KMS_PRICES.freeRequestsPerMonth - before))
    cost.usdAtListPrice += list
    cost.freeRequests += free
    // Which of them were free nobody says: all in the same part, whatever their region.
    cost.usd += all === 0 ? 0 : list * (1 - free / all)
  }
  return { ...cost, usdAtListPrice: inMillionths(cost.usdAtListPrice), usd: inMillionths(cost.usd) }
}

/** @returns USD; undefined where the price of a region is not known */
export function listPriceOf(o: { region: string; requests: number }): number | undefined {
  if (!Object.hasOwn(KMS_PRICES.usdPer10000Requests, o.region)) return undefined
  return inMillionths((o.requests * (KMS_PRICES.usdPer10000Requests[o.region] ?? 0)) / 10_000)
}

/** 0.000003 has no exact form. */
function inMillionths(usd: number): number {
  return Math.round(usd * 1e6) / 1e6
}
