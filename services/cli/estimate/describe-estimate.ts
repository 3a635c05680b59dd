/** The table of `sealcast estimate`. Its last line is the total in plain digits, for scripts. Pure. */

import { type Estimate, KMS_PRICES, type RequestCost } from '#shared/kms-estimate'
import { columnWidths } from '../column-widths.ts'

/** Beyond it the busiest topics are shown. */
const SHOWN_TOPICS = 20

const grouped = (count: number) => count.toLocaleString('en-US')

/** @returns lines, the last one ended too */
export function describeEstimate(
  estimate: Estimate,
  o: { days: number; reuseSeconds: number; gateways: number; region: string; cost: RequestCost | undefined },
): string {
  const shown = estimate.topics.toSorted((a, b) => b.requests - a.requests).slice(0, SHOWN_TOPICS)
  const publishers = estimate.topics.reduce((sum, topic) => sum + topic.publishers, 0)
  const hidden = estimate.topics.length - shown.length
  const rows = [
    ['topic', 'publishers', 'requests a period', 'requests'],
    ...shown.map((topic) => [topic.name, ...[topic.publishers, topic.requestsPerPeriod, topic.requests].map(grouped)]),
    [
      hidden > 0 ? `all, ${grouped(hidden)} topics not shown` : 'all',
      ...[publishers, estimate.requestsPerPeriod, estimate.requests].map(grouped),
    ],
  ]
  const widths = columnWidths(rows)
  const table = rows.map(([name = '', ...cells]) =>
    [name.padEnd(widths[0] ?? 0), ...cells.map((cell, at) => cell.padStart(widths[at + 1] ?? 0))].join('  '),
  )
  const factor = o.gateways === 1 ? '2' : `(${o.gateways} + 1)`
  const perSecond = estimate.requests / (o.days * 86_400)
  return [
    ...table,
    '',
    `R = B / D × (${factor} × P), B = ${o.days} days, D = ${o.reuseSeconds} s: ${grouped(estimate.periods)} periods; ` +
      `${perSecond.toPrecision(3)} requests a second on average.`,
    describeCost(o),
    String(estimate.requests),
    '',
  ].join('\n')
}

function describeCost({ region, cost }: { region: string; cost: RequestCost | undefined }): string {
  if (cost === undefined)
    return `Cost in ${region}: not known, the price list of ${KMS_PRICES.asOf} has no price for it.`
  return (
    `Cost in ${region}: $${cost.usd.toFixed(2)} for ${grouped(cost.billedRequests)} requests at ` +
    `$${cost.usdPer10000Requests} per 10,000, ${grouped(cost.freeRequests)} free (prices of ${KMS_PRICES.asOf}); ` +
    `a customer managed key costs $${KMS_PRICES.usdPerKeyAndMonth} a month besides.`
  )
}
