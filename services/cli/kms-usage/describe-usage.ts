/** The table of `sealcast kms-usage`: a line for each group, most calls first, the sum, and how to read them. Pure. */

import { KMS_PRICES } from '#shared/kms-estimate'
import { columnWidths } from '../column-widths.ts'
import type { Grouping, Usage, UsageRow } from './sum-usage.ts'

/** A day that is split takes a report back for less than this. */
const DAY_MS = 86_400_000
const HEADINGS = ['calls', 'share', 'generate', 'decrypt', 'other', 'failed', '2 × periods', 'ratio', 'list price']

/** Of a span, epoch ms. */
export interface UsageSpan {
  /** As it was asked for; undefined: this month. */
  asked: number | undefined
  since: number
  now: number
}

/** @returns lines, the last one ended too */
export function describeUsage(usage: Usage, o: UsageSpan & { by: Grouping; reuseMs: number }): string {
  const notes = [...describeSpan(o), ...(usage.rows.length === 0 ? [] : describeNumbers(usage, o))]
  if (usage.rows.length === 0)
    return `No KMS requests since ${timeOf(o.since)}.\n${notes.map((note) => `${note}\n`).join('')}`
  const rows = [
    [o.by, ...HEADINGS],
    ...usage.rows.map((row) => [row.name, ...cellsOf(row)]),
    [`all since ${timeOf(o.since)}`, ...cellsOf(usage.total)],
  ]
  const widths = columnWidths(rows)
  const table = rows.map(([name = '', ...cells]) =>
    [name.padEnd(widths[0] ?? 0), ...cells.map((cell, at) => cell.padStart(widths[at + 1] ?? 0))].join('  '),
  )
  return [...table, '', ...notes, ''].join('\n')
}

function cellsOf(row: UsageRow): string[] {
  const { calls, generate, decrypt, other, failed, predicted, ratio, usdAtListPrice: usd } = row
  return [
    String(calls),
    `${(100 * row.share).toFixed(1)} %`,
    ...[generate, decrypt, other, failed].map(String),
    predicted === undefined ? '–' : String(predicted),
    ratio === undefined ? '–' : ratio.toFixed(2),
    usd === undefined ? '–' : dollars(usd),
  ]
}

function describeSpan({ asked, since, now }: UsageSpan): string[] {
  if (asked === undefined) return []
  const notes: string[] = []
  const whole = startOfMonthBefore(now)
  if (since < asked) {
    notes.push(
      `Asked since ${timeOf(asked)}; counted since ${timeOf(since)}, the nearest moment before it from which the ledger counts exactly: ` +
        `it knows hours of the last days, days before that${asked - since > DAY_MS ? ', and of what an older release counted the month' : ''}.`,
    )
  }
  if (since < whole) {
    notes.push(`The ledger keeps this month and the one before: of what was before ${timeOf(whole)} parts may be gone.`)
  }
  return notes
}

function describeNumbers({ cost }: Usage, { by, reuseMs }: { by: Grouping; reuseMs: number }): string[] {
  const { freeRequestsPerMonth: free, asOf } = KMS_PRICES
  return [
    by === 'purpose'
      ? `2 × periods: one issue and one deliver for each reuse period of ${reuseMs / 1000} s; other purposes are beside the formula.`
      : `2 × periods: what one gateway makes steady publishers cost at a reuse period of ${reuseMs / 1000} s; g gateways (g + 1) / 2 times that.`,
    `Cost as AWS KMS charges it (prices of ${asOf}): ${dollars(cost.usdAtListPrice)} at list price. Of an account's ${free.toLocaleString('en-US')} free requests a month ` +
      `${cost.freeRequests.toLocaleString('en-US')} fall on these, which leaves ${dollars(cost.usd)}. The local KMS costs nothing.`,
    ...(cost.unpricedRequests === 0
      ? []
      : [`Without ${cost.unpricedRequests} requests in regions that the price list does not have.`]),
  ]
}

/** Small sums keep the digits that tell them from nothing. */
function dollars(usd: number): string {
  return `$${usd === 0 || usd >= 1 ? usd.toFixed(2) : usd.toFixed(6).replace(/(\.\d\d\d*?)0+$/, '$1')}`
}

function timeOf(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

function startOfMonthBefore(now: number): number {
  const date = new Date(now)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() - 1)
}
