/**
 * `--simulate`: the two months of SNS's encryption guide on a simulated clock (kms-months/), in the same report. What is
 * simulated there is the time; KMS, Redis and all code that decides whether KMS is asked are real.
 */

import { type Case, type CaseResult, monthCases, runCase } from '../kms-months/cases.ts'
import type { LoadRun } from '../load-test.ts'
import type { LoadResult } from '../report/load-report.ts'
import { formulaMonth, type Month, priceMonth } from './formula.ts'

interface SimulatedMonth {
  readonly month: Case
  readonly result: CaseResult
  readonly formula: Month
  /** Requests when so many days were over, by the KMS's own count. */
  readonly byDay: readonly (readonly [days: number, requests: number])[]
}

const REUSE_SECONDS = 300

/** @param o.days of each month; 0: all of them. @throws when a signal ends it before any month is over */
export async function simulateMonths(
  o: { days: number; maxRatio: number; region: string },
  { signal, progress }: Pick<LoadRun, 'signal' | 'progress'>,
): Promise<LoadResult> {
  const cases = monthCases(o.days === 0 ? {} : { days: o.days })
  progress.start(cases.reduce((sum, { days }) => sum + Math.ceil(days), 0))
  const months: SimulatedMonth[] = []
  let daysBefore = 0
  for (const month of cases) {
    const byDay: [number, number][] = []
    try {
      const result = await runCase(month, async (day, served) => {
        signal.throwIfAborted()
        const requests = dataKeyRequests(await served())
        byDay.push([day - 1, requests])
        progress.update(daysBefore + day - 1, `${month.name}: day ${day} of ${month.days}, ${requests} KMS requests`)
      })
      byDay.push([month.days, result.requests])
      months.push({ month, result, byDay, formula: formulaOf(month, o.region) })
    } catch (error) {
      if (!signal.aborted || months.length === 0) throw error
      break
    }
    daysBefore += Math.ceil(month.days)
  }
  progress.stop()
  return reportMonths(months, { ...o, interrupted: signal.aborted })
}

/** Pure. */
function reportMonths(
  months: readonly SimulatedMonth[],
  o: { maxRatio: number; region: string; interrupted: boolean },
): LoadResult {
  const reasons = months.flatMap(({ month, result, formula }) => [
    ...(result.requests > o.maxRatio * formula.requests
      ? [`${month.name}: ${result.requests} requests, the formula has ${formula.requests}.`]
      : []),
    ...result.problems.map((problem) => `${month.name}: ${problem}.`),
  ])
  return {
    title: "KMS requests of the two months of SNS's encryption guide, on a simulated clock",
    verdict: { outcome: reasons.length === 0 ? 'passed' : 'failed', interrupted: o.interrupted, reasons },
    settings: [
      { name: 'reuse period', value: `${REUSE_SECONDS} s` },
      ...months.map(({ month }) => ({
        name: month.name,
        value: `${month.days} days, ${month.topics.join(' + ')} steady publishers of ${month.topics.length} ${month.topics.length === 1 ? 'topic' : 'topics'}, ${month.workers} workers`,
      })),
    ],
    figures: months.flatMap(({ month, result, formula }) => [
      {
        name: `${month.name}: KMS requests`,
        value: result.requests,
        unit: 'count' as const,
        note: "GenerateDataKey and Decrypt, by the KMS's own log",
      },
      {
        name: 'formula',
        value: formula.requests,
        unit: 'count' as const,
        note: 'R = B / D × (2 × P)',
      },
      {
        name: 'ratio',
        value: result.requests / formula.requests,
        unit: 'ratio' as const,
        judged: result.requests > o.maxRatio * formula.requests ? ('bad' as const) : ('good' as const),
        note: `at most ${o.maxRatio}`,
      },
    ]),
    latencies: [],
    errors: [],
    tables: [
      {
        title: 'Months',
        note: '',
        columns: [
          { name: 'publishers' },
          ...['days', 'messages', 'GenerateDataKey', 'Decrypt', 'requests', 'in the ledger', 'formula'].map((name) => ({
            name,
          })),
          { name: 'cost', unit: 'USD per month' },
          { name: 'took', unit: 's' },
        ],
        rows: months.map(({ month, result, formula }) => [
          month.name,
          month.days,
          result.messages,
          result.served.GenerateDataKey,
          result.served.Decrypt,
          result.requests,
          result.ledgerRequests,
          formula.requests,
          priceMonth({ ...formula, requests: result.requests, region: o.region }).cost?.usd ?? 'price not looked up',
          result.wallSeconds,
        ]),
      },
    ],
    charts: months.map(({ month, byDay, formula }) => ({
      title: month.name,
      caption: "KMS requests day by day, by the KMS's own count, and the formula.",
      x: { label: 'days', unit: 'count' },
      y: { label: 'requests', unit: 'count' },
      series: [
        { name: 'requests', points: byDay },
        {
          name: 'formula',
          form: 'dashed',
          points: [
            [0, 0],
            [month.days, formula.requests],
          ],
        },
      ],
    })),
    notes: [
      'Simulated: the clock of the data-key code and of the ledger, and the way of a message from gateway to worker. Real: all code that decides whether KMS is asked, Redis, envelopes, the AWS SDK, and a KMS process.',
    ],
  }
}

function formulaOf({ topics, gateways, days }: Case, region: string): Month {
  return formulaMonth({ publishers: topics, gateways, days, reuseSeconds: REUSE_SECONDS, region })
}

function dataKeyRequests(served: Readonly<Record<string, number>>): number {
  return Object.entries(served).reduce(
    (sum, [name, count]) => (/^(GenerateDataKey|Decrypt) /.test(name) ? sum + count : sum),
    0,
  )
}
