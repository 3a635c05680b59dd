/** The tables of a run's report: who counted what, for what, for whom, and what a month of it costs. Pure. */

import type { ReportTable } from '../report/load-report.ts'
import { byPurpose, countGroups, type RequestCounts, type RequestGroup, sumLedger, totalOf } from './counts.ts'
import type { Month } from './formula.ts'
import { keysNeeded, requestsPerKey } from './patterns.ts'
import type { KmsRun } from './run.ts'

export function countsTable(run: KmsRun, counted: RequestCounts): ReportTable {
  const inLedger = sumLedger(run.ledger)
  const row = (name: string, counts: RequestCounts) => [name, counts.GenerateDataKey, counts.Decrypt, totalOf(counts)]
  return {
    title: 'The same requests, counted in three places',
    note: 'All of the run, those that failed too.',
    columns: [{ name: 'counted by' }, { name: 'GenerateDataKey' }, { name: 'Decrypt' }, { name: 'together' }],
    rows: [
      ...(run.served === undefined ? [] : [row('the KMS, as it answered', run.served)]),
      row('gateways and workers, as they asked', run.made),
      row('the ledger in Redis', inLedger),
      [
        'KMS − ledger',
        counted.GenerateDataKey - inLedger.GenerateDataKey,
        counted.Decrypt - inLedger.Decrypt,
        totalOf(counted) - totalOf(inLedger),
      ],
    ],
  }
}

export function monthsTable(months: readonly [Month, Month, Month]): ReportTable {
  const names = ['as counted', 'formula, (g + 1) × P', 'textbook, 2 × P']
  return {
    title: `A month of ${months[0].days} days with data keys of ${months[0].reuseSeconds} s`,
    note: 'Counted: requests for each publisher and period of this run, over all periods of the month. Requests alone; KMS keys have a price of their own.',
    columns: [{ name: '' }, { name: 'requests' }, { name: 'billed' }, { name: 'cost', unit: 'USD per month' }],
    rows: months.map(({ requests, cost }, at) => [
      names[at] ?? '',
      requests,
      cost?.billedRequests ?? 'unknown',
      cost?.usd ?? 'price not looked up',
    ]),
  }
}

export function publishersTable(run: KmsRun, begun: readonly number[]): ReportTable {
  const { lanes, values } = run
  return {
    title: 'Publishers',
    note: 'By the ledger. Needed: requests for the keys that the pattern needs; formula: for a key in every period.',
    columns: [
      { name: 'topic' },
      { name: 'publisher' },
      { name: 'pattern' },
      { name: 'messages' },
      { name: 'keys' },
      ...['issue', 'share', 'deliver', 'other', 'together', 'needed', 'formula'].map((name) => ({ name })),
      { name: 'ratio', unit: 'ratio' as const },
    ],
    rows: lanes.map((lane, at) => {
      const own = run.ledger.filter(
        ({ topicArn, principal }) => topicArn === lane.topicArn && principal === lane.principal,
      )
      const purposes = byPurpose(own)
      const of = (name: string) => purposes.get(name) ?? 0
      const total = totalOf(sumLedger(own))
      const formula = (values.gateways + 1) * (begun[at] ?? 0)
      return [
        lane.topicArn.split(':').at(-1) ?? '',
        lane.principal.split('/').at(-1) ?? '',
        lane.pattern,
        run.published.lanes[at]?.accepted.length ?? 0,
        own.reduce((sum, { keys }) => sum + keys, 0),
        of('issue'),
        of('share'),
        of('deliver'),
        total - of('issue') - of('share') - of('deliver'),
        total,
        keysNeeded(lane.pattern, begun[at] ?? 0) * requestsPerKey(lane.pattern, values.gateways),
        formula,
        formula === 0 ? Number.NaN : total / formula,
      ]
    }),
  }
}

/** Proof that every gateway sealed with every key: each issued it or had it decrypted. */
export function processesTable(run: KmsRun): ReportTable {
  const keys = keysOf(run)
  const columns = ['issued', 'shared', 'keys sealed with', 'delivered', 'other', 'failed'].map((name) => ({ name }))
  const rowOf = (name: string, groups: readonly RequestGroup[], sealsWith: boolean) => {
    const ok = (purpose: string) => countGroups(groups, { purpose, outcome: 'ok' })
    const [issued, shared, delivered] = [ok('issue'), ok('share'), ok('deliver')]
    const allOk = countGroups(groups, { outcome: 'ok' })
    const failed = countGroups(groups, {}) - allOk
    const other = allOk - issued - shared - delivered
    const sealing = sealsWith ? [issued, shared, issued + shared, ''] : ['', '', '', delivered]
    return [name, ...sealing, other, failed]
  }
  return {
    title: 'Gateways and workers',
    note: `By their own counters. A gateway that seals with a data key has issued it or had it decrypted: when publishers are steady each gateway seals with all ${keys}, and each is opened by one worker.`,
    columns: [{ name: 'process' }, ...columns],
    rows: [
      ...run.gateways.map((groups, at) => rowOf(`gateway ${at + 1}`, groups, true)),
      ...run.workers.map((groups, at) => rowOf(`worker ${at + 1}`, groups, false)),
    ],
  }
}

/** What each request was made for: the formula has issue, share and deliver that go well, all else comes on top. */
export function purposesTable(groups: readonly RequestGroup[], formula: number): ReportTable {
  return {
    title: 'What requests were made for, and what became of them',
    note: 'By gateways and workers. In the formula are issue, share and deliver; a request that fails, and one made again after it, comes on top.',
    columns: [
      { name: 'purpose' },
      { name: 'operation' },
      { name: 'outcome' },
      { name: 'requests' },
      { name: 'of the formula', unit: 'ratio' },
    ],
    rows: groups.map(({ purpose, operation, outcome, count }) => [
      purpose,
      operation,
      outcome,
      count,
      formula === 0 ? Number.NaN : count / formula,
    ]),
  }
}

/** Data keys that were issued. */
export function keysOf({ ledger }: KmsRun): number {
  return ledger.reduce((sum, { keys }) => sum + keys, 0)
}
