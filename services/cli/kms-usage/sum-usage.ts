/**
 * Adds the ledgers of all topics up by topic, publisher, KMS key or purpose, from a moment on that splits no count. Pure.
 *
 * What was to be expected are 2 requests for each reuse period of a topic's publisher, as `usageOf` has it for a month. A
 * pair's periods count from the first data key in the span, to the hour where the pair is older than the span, to the last one.
 */

import { type CountedCost, type CountedMonth, costOfMonths, listPriceOf } from '#shared/kms-estimate'
import type { LedgerName, LedgerPage } from '#shared/kms-ledger'

export const GROUPINGS = ['topic', 'publisher', 'key', 'purpose'] as const

export type Grouping = (typeof GROUPINGS)[number]

export type TopicPage = LedgerPage & LedgerName

export interface UsageRow {
  readonly name: string
  /** Requests, those that failed too. */
  readonly calls: number
  /** Of all calls, 0 to 1. */
  readonly share: number
  readonly generate: number
  readonly decrypt: number
  /** Of other operations. */
  readonly other: number
  readonly failed: number
  /** 2 × periods; of a purpose its part. Undefined where the formula has none. */
  readonly predicted: number | undefined
  readonly ratio: number | undefined
  /** Undefined where no request's price is known. */
  readonly usdAtListPrice: number | undefined
}

export interface Usage {
  /** Most calls first. */
  readonly rows: readonly UsageRow[]
  readonly total: UsageRow
  readonly cost: CountedCost
}

type Span = LedgerPage['counts'][number] & LedgerName

/** Ledgers of older releases did not keep it. */
const KEY_NOT_KEPT = 'not known'
/** The purposes of the formula; each is one request a period. */
const PREDICTED_PURPOSES: readonly string[] = ['issue', 'deliver']

/** @param o.since epoch ms; no count may lie on both sides of it */
export function sumUsage(pages: readonly TopicPage[], o: { by: Grouping; since: number; reuseMs: number }): Usage {
  const all = pages.flatMap(({ counts, ...page }) => counts.map((count) => ({ ...count, ...nameOf(page) })))
  const counted = all.filter(({ from }) => from >= o.since)
  const predicted = predictedBy(periodsOf(pages, o), o.by)
  const whole = counted.reduce((sum, { count }) => sum + count, 0)
  const rows = [...Map.groupBy(counted, (span) => groupOf(span, o.by))].map(([name, spans]) =>
    rowOf(name, spans, { whole, predicted: predicted.get(name) }),
  )
  // By pairs, whatever the rows are of: a pair that changed its key began a period with both.
  const ofPairs = [...periodsOf(pages, { ...o, by: 'topic' }).values()]
  const sum = ofPairs.reduce((total, count) => total + 2 * count, 0)
  return {
    rows: rows.sort((a, b) => b.calls - a.calls || (a.name < b.name ? -1 : 1)),
    total: rowOf('all', counted, { whole, predicted: sum }),
    cost: costOfMonths(monthsOf(all, o.since)),
  }
}

const nameOf = ({ topicArn, month }: LedgerName): LedgerName => ({ topicArn, month })

function groupOf(span: Pick<Span, 'topicArn' | 'principal' | 'key' | 'purpose'>, by: Grouping): string {
  switch (by) {
    case 'topic':
      return span.topicArn
    case 'publisher':
      return span.principal
    case 'key':
      return span.key ?? KEY_NOT_KEPT
    case 'purpose':
      return span.purpose
  }
}

function rowOf(name: string, spans: readonly Span[], o: { whole: number; predicted: number | undefined }): UsageRow {
  const sum = (of: (span: Span) => boolean) => spans.filter(of).reduce((total, { count }) => total + count, 0)
  const calls = sum(() => true)
  const [generate, decrypt] = ['GenerateDataKey', 'Decrypt'].map((name) => sum(({ operation }) => operation === name))
  const prices = Object.entries(byRegion(spans)).map(([region, requests]) => listPriceOf({ region, requests }))
  const known = prices.filter((price) => price !== undefined)
  return {
    name,
    calls,
    share: o.whole === 0 ? 0 : calls / o.whole,
    generate: generate ?? 0,
    decrypt: decrypt ?? 0,
    other: calls - (generate ?? 0) - (decrypt ?? 0),
    failed: sum(({ isOk }) => !isOk),
    predicted: o.predicted,
    ratio: o.predicted ? calls / o.predicted : undefined,
    usdAtListPrice: known.length === 0 && prices.length > 0 ? undefined : known.reduce((total, usd) => total + usd, 0),
  }
}

/** Reuse periods of each pair in the span; by key those of each pair and key. */
function periodsOf(
  pages: readonly TopicPage[],
  { by, since, reuseMs }: { by: Grouping; since: number; reuseMs: number },
) {
  const issued = new Map<string, { first: number; last: number; begun: number }>()
  const nameOf = (topicArn: string, { principal, key }: { principal: string; key: string | undefined }) =>
    JSON.stringify([topicArn, principal, by === 'key' ? (key ?? KEY_NOT_KEPT) : ''])
  for (const { topicArn, issues } of pages) {
    for (const issue of issues) {
      const name = nameOf(topicArn, issue)
      const { first, last } = issued.get(name) ?? issue
      issued.set(name, {
        first: Math.min(first, issue.first),
        last: Math.max(last, issue.last),
        begun: Number.POSITIVE_INFINITY,
      })
    }
  }
  for (const { topicArn, counts } of pages) {
    for (const count of counts) {
      const pair = issued.get(nameOf(topicArn, count))
      if (pair === undefined || count.from < since || !count.isOk || count.operation !== 'GenerateDataKey') continue
      pair.begun = Math.min(pair.begun, count.from)
    }
  }
  const periods = new Map<string, number>()
  for (const [name, { first, last, begun }] of issued) {
    // Without a data key in the span it has none of the pair's periods.
    if (begun === Number.POSITIVE_INFINITY) continue
    periods.set(name, Math.floor(Math.max(0, last - Math.max(first, begun)) / reuseMs) + 1)
  }
  return periods
}

function predictedBy(periods: ReadonlyMap<string, number>, by: Grouping): ReadonlyMap<string, number> {
  const predicted = new Map<string, number>()
  const add = (name: string, count: number) => predicted.set(name, (predicted.get(name) ?? 0) + count)
  for (const [pair, count] of periods) {
    const [topicArn = '', principal = '', key = ''] = JSON.parse(pair) as string[]
    if (by !== 'purpose') add(groupOf({ topicArn, principal, key, purpose: '' }, by), 2 * count)
    else for (const purpose of PREDICTED_PURPOSES) add(purpose, count)
  }
  return predicted
}

function monthsOf(spans: readonly Span[], since: number): CountedMonth[] {
  return [...Map.groupBy(spans, ({ month }) => month).values()].map((ofMonth) => ({
    requests: byRegion(ofMonth.filter(({ from }) => from >= since)),
    before: ofMonth.filter(({ from }) => from < since).reduce((sum, { count }) => sum + count, 0),
  }))
}

/** A topic's key is in the topic's region. */
function byRegion(spans: readonly Span[]): Record<string, number> {
  const regions = new Map<string, number>()
  for (const { topicArn, count } of spans) {
    const region = topicArn.split(':')[3] ?? ''
    regions.set(region, (regions.get(region) ?? 0) + count)
  }
  return Object.fromEntries(regions)
}
