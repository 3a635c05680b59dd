/**
 * What the run should have cost and what it did, over the periods that were counted and over a month. Uses the one
 * definition there is, `shared/kms-estimate`, which `sealcast estimate` prints. Pure.
 */

import { costOf, estimateRequests, type RequestCost } from '#shared/kms-estimate'

export interface Month {
  readonly days: number
  readonly reuseSeconds: number
  readonly requests: number
  /** Undefined for a region whose price is not in the list. */
  readonly cost: RequestCost | undefined
}

export interface Formula {
  /** (g + 1) × P × periods. */
  readonly requests: number
  /** 2 × P × periods: what SNS's encryption guide has, and one gateway reaches. */
  readonly textbook: number
  /** For each reuse period, (g + 1) × P. */
  readonly perPeriod: number
}

/** @param o.publisherPeriods of all publishers together: periods that were begun */
export function formulaOf(o: { publishers: readonly number[]; gateways: number; publisherPeriods: number }): Formula {
  const publishers = o.publishers.reduce((sum, count) => sum + count, 0)
  const requestsOf = (gateways: number, count: number) =>
    estimateRequests({ seconds: 1, reuseSeconds: 1, gateways, topics: [{ name: '', publishers: count }] }).requests
  return {
    requests: requestsOf(o.gateways, o.publisherPeriods),
    textbook: requestsOf(1, o.publisherPeriods),
    perPeriod: requestsOf(o.gateways, publishers),
  }
}

/** The formula's month: that of `sealcast estimate`. */
export function formulaMonth(o: {
  publishers: readonly number[]
  gateways: number
  days: number
  reuseSeconds: number
  region: string
}): Month {
  const { requests } = estimateRequests({
    seconds: o.days * 86_400,
    reuseSeconds: o.reuseSeconds,
    gateways: o.gateways,
    topics: o.publishers.map((publishers, at) => ({ name: `topic ${at + 1}`, publishers })),
  })
  return priceMonth({ ...o, requests })
}

/** What was counted, for each publisher and period of the run, over all of a month's. */
export function measuredMonth(o: {
  requests: number
  publisherPeriods: number
  publishers: readonly number[]
  days: number
  reuseSeconds: number
  region: string
}): Month {
  const publishers = o.publishers.reduce((sum, count) => sum + count, 0)
  const periods = Math.ceil((o.days * 86_400) / o.reuseSeconds)
  const perPublisherPeriod = o.publisherPeriods === 0 ? 0 : o.requests / o.publisherPeriods
  return priceMonth({ ...o, requests: Math.round(perPublisherPeriod * publishers * periods) })
}

export function priceMonth({ days, reuseSeconds, requests, region }: Omit<Month, 'cost'> & { region: string }): Month {
  return { days, reuseSeconds, requests, cost: costOf({ requests, days, region }) }
}
