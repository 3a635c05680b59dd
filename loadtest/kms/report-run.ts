/** What a run says: figures, tables, charts and the verdict, from what was counted. Pure. */

import { createLatencyHistogram, latencyFigures, percentileCurve } from '../harness/histogram.ts'
import type { Chart, Figure, LoadResult, Setting } from '../report/load-report.ts'
import { chartsOf } from './charts.ts'
import { compareCounts, countGroups, type RequestCounts, type RequestGroup, sumLedger, totalOf } from './counts.ts'
import { formulaMonth, formulaOf, type Month, measuredMonth } from './formula.ts'
import { lifetimesMs } from './kms-log.ts'
import { keepsPeriods, keysNeeded, mostDriftMs, periodsActive } from './patterns.ts'
import type { KmsRun } from './run.ts'
import { countsTable, keysOf, monthsTable, processesTable, publishersTable, purposesTable } from './run-tables.ts'
import { refuses } from './settings.ts'

export function reportRun(run: KmsRun): LoadResult {
  const { values, plan } = run
  const counted: RequestCounts = run.served ?? sumLedger(run.ledger)
  const begun = run.lanes.map((lane, at) =>
    periodsActive(lane, values, { endedMs: run.endedMs, lastAnswerMs: run.lastAnswersMs[at] ?? 0 }),
  )
  const late = run.interrupted
    ? 0
    : begun.reduce((sum, periods) => sum + periods, 0) - run.lanes.length * values.periods
  const publisherPeriods = begun.reduce((sum, periods) => sum + periods, 0)
  const formula = formulaOf({ ...values, publisherPeriods })
  const requests = totalOf(counted)
  const ratio = formula.requests === 0 ? Number.NaN : requests / formula.requests
  const comparison = compareCounts({
    served: run.served,
    made: run.made,
    ledger: sumLedger(run.ledger),
    lost: run.lost,
    faulty: refuses(plan),
  })
  const endToEnd = endToEndOf(run)
  const groups = mergeGroups([...run.gateways, ...run.workers].flat())
  const reasons = [
    ...(ratio > values.maxRatio
      ? [
          `${requests} requests are ${ratio.toFixed(3)} × the formula's ${formula.requests}; at most ${values.maxRatio} was asked for.`,
        ]
      : []),
    ...comparison.problems,
    ...problemsOf(run, endToEnd.count),
  ]
  const publishing = createLatencyHistogram()
  publishing.add(run.published.latencies)
  const months = [
    measuredMonth({ ...monthOf(run), requests, publisherPeriods }),
    formulaMonth({ ...monthOf(run), gateways: values.gateways }),
    formulaMonth({ ...monthOf(run), gateways: 1 }),
  ] as const
  return {
    title: titleOf(run),
    verdict: { outcome: reasons.length === 0 ? 'passed' : 'failed', interrupted: run.interrupted, reasons },
    settings: settingsOf(run),
    figures: figuresOf({ run, requests, ratio, formula, late, months }),
    latencies: [
      latencyFigures('publish', 'from the moment a message was due to its answer, of those accepted', publishing),
      latencyFigures(
        'end to end',
        'from the moment a message was due to its whole notification at the subscriber',
        endToEnd,
      ),
    ],
    errors: run.published.errors.map(([code, count]) => ({ code, count })),
    tables: [
      countsTable(run, counted),
      purposesTable(groups, formula.requests),
      publishersTable(run, begun),
      processesTable(run),
      monthsTable(months),
    ],
    charts: [
      ...chartsOf(run, formula),
      percentileChart([
        ['publish', percentileCurve(publishing)],
        ['end to end', percentileCurve(endToEnd)],
      ]),
    ],
    notes: notesOf(run, { comparison: comparison.explained, publisherPeriods, late, groups }),
  }
}

function titleOf({ values }: KmsRun): string {
  const { publishers, gateways, workers, reuseSeconds, periods } = values
  return `KMS requests of ${publishers.join(' + ')} publishers of ${publishers.length} ${publishers.length === 1 ? 'topic' : 'topics'}, ${gateways} × ${workers} gateways × workers, ${periods} periods of ${reuseSeconds} s`
}

function settingsOf({ values, lanes, plan, connections, endedMs }: KmsRun): Setting[] {
  const patterns = new Map<string, number>()
  for (const { pattern } of lanes) patterns.set(pattern, (patterns.get(pattern) ?? 0) + 1)
  const faults = [...plan.throttling, ...plan.faults].map((rule) => JSON.stringify(rule))
  return [
    { name: 'publishers', value: [...patterns].map(([pattern, count]) => `${count} ${pattern}`).join(', ') },
    {
      name: 'each',
      value: `${values.rate} messages/s of ${values.messageBytes} bytes over ${connections.kept / lanes.length} connections`,
    },
    { name: 'KMS', value: values.kms === 'local' ? 'local, a process of its own' : `AWS KMS, ${values.key}` },
    { name: 'KMS faults', value: faults.length === 0 ? 'none' : faults.join(' ') },
    { name: 'ran', value: `${(endedMs / 1000).toFixed(0)} s` },
  ]
}

function figuresOf(o: {
  run: KmsRun
  requests: number
  ratio: number
  formula: { requests: number; textbook: number }
  late: number
  months: readonly [Month, Month, Month]
}): Figure[] {
  const { run, requests, ratio, formula } = o
  const { values } = run
  const by = run.served === undefined ? 'by the ledger: AWS KMS tells nobody' : "by the KMS's own count"
  const publishers = values.publishers.reduce((sum, count) => sum + count, 0)
  const periods = run.interrupted || o.late > 0 ? 'periods begun' : `${values.periods} periods`
  return [
    { name: 'KMS requests', value: requests, unit: 'count', note: `GenerateDataKey and Decrypt, ${by}` },
    {
      name: 'in the ledger',
      value: totalOf(sumLedger(run.ledger)),
      unit: 'count',
      note: 'sealcast kms calls, from Redis',
    },
    {
      name: 'formula',
      value: formula.requests,
      unit: 'count',
      note: `(g + 1) × P for each period: ${values.gateways + 1} × ${publishers} × ${periods}`,
    },
    {
      name: 'textbook formula',
      value: formula.textbook,
      unit: 'count',
      note: `2 × P for each period, as with one gateway`,
    },
    {
      name: 'ratio',
      value: ratio,
      unit: 'ratio',
      judged: ratio > values.maxRatio ? 'bad' : 'good',
      note: `requests over formula, at most ${values.maxRatio}`,
    },
    { name: 'data keys issued', value: keysOf(run), unit: 'count', note: neededNote(run) },
    ...(['counted', 'formula'] as const).map((what, at): Figure => {
      const month = o.months[at === 0 ? 0 : 1]
      return {
        name: `a month, ${what}`,
        value: month.requests,
        unit: 'count',
        note: `${month.days} days at D = ${month.reuseSeconds} s${month.cost === undefined ? '' : `: $${month.cost.usd.toFixed(2)}`}`,
      }
    }),
  ]
}

function neededNote({ lanes, values, interrupted }: KmsRun): string {
  if (interrupted) return ''
  const needed = lanes.reduce((sum, { pattern }) => sum + keysNeeded(pattern, values.periods), 0)
  return `these publishers need ${needed}: one for each period in which one publishes`
}

function endToEndOf({ arrived, published }: KmsRun) {
  const histogram = createLatencyHistogram()
  const times = new Map(arrived.times)
  for (const { accepted } of published.lanes) {
    for (const [messageId, dueAtMs] of accepted) {
      const at = times.get(messageId)
      if (at !== undefined) histogram.recordMs(at - dueAtMs)
    }
  }
  return histogram
}

function problemsOf(run: KmsRun, arrivedOfAccepted: number): string[] {
  const problems: string[] = []
  const accepted = run.published.lanes.reduce((sum, lane) => sum + lane.accepted.length, 0)
  const failed = run.published.errors.reduce((sum, [, count]) => sum + count, 0)
  if (accepted === 0) problems.push('No message was accepted.')
  if (failed > 0 && !refuses(run.plan)) problems.push(`${failed} publishes failed although the KMS refused nothing.`)
  if (arrivedOfAccepted !== accepted)
    problems.push(`${accepted - arrivedOfAccepted} of ${accepted} accepted messages did not arrive.`)
  if (run.arrived.wrong > 0) problems.push(`${run.arrived.wrong} notifications did not hold what was published.`)
  if (run.restarted > 0) problems.push(`${run.restarted} processes began anew and forgot what they had counted.`)
  return problems
}

function notesOf(
  run: KmsRun,
  o: { comparison: readonly string[]; publisherPeriods: number; late: number; groups: readonly RequestGroup[] },
): string[] {
  const { values, arrived } = run
  const notes = [...o.comparison]
  const keys = keysOf(run)
  const delivered = countGroups(o.groups, { purpose: 'deliver', outcome: 'ok' })
  const failed = countGroups(o.groups, {}) - countGroups(o.groups, { outcome: 'ok' })
  notes.push(
    `${o.publisherPeriods} publisher-periods were counted: ${values.periods} of each publisher from its first message on, beginning one after the other over one period.`,
  )
  if (o.late > 0) {
    notes.push(
      `${o.late} of these are beyond the ${values.periods} asked for: messages were answered after their publisher's window, so the broker or this machine was too slow for the pace, and the formula counts those periods too.`,
    )
  }
  const steady = run.lanes.some(({ pattern }) => pattern === 'steady')
  if (steady && !keepsPeriods(values, values.gateways)) {
    notes.push(
      `A key is replaced by the first message after its end, so over ${values.periods} periods keys may be asked for up to ${(mostDriftMs(values) / 1000).toFixed(1)} s late: with periods of ${values.reuseSeconds} s a steady publisher may need a key fewer than there are periods. A higher --rate makes it exact.`,
    )
  }
  const lifetimes = lifetimesMs(run.issues ?? []).toSorted((a, b) => a - b)
  const [shortest] = lifetimes
  // A key's age counts from the first attempt to get it; the log has the one that went well.
  if (shortest !== undefined && steady && failed === 0) {
    const median = lifetimes[Math.floor(lifetimes.length / 2)] ?? shortest
    notes.push(
      `By the KMS's log, a data key was replaced after ${(shortest / 1000).toFixed(3)} s at the soonest, ${(median / 1000).toFixed(3)} s in the median.`,
    )
  }
  if (failed > 0) {
    notes.push(`${failed} requests failed: KMS bills those too, and what asks again adds to them.`)
  }
  if (delivered > keys) {
    notes.push(
      `${delivered - keys} Decrypts more than data keys were made to deliver: a key is opened once by each worker that meets it, and ${run.leasesLost} leases were lost and ${run.takenOver} partitions taken over.`,
    )
  } else if (run.leasesLost + run.takenOver > 0) {
    notes.push(`${run.leasesLost} leases were lost and ${run.takenOver} partitions taken over.`)
  }
  if (run.published.reopened > 0)
    notes.push(`${run.published.reopened} connections had to be opened anew and may have met another gateway.`)
  const twice = arrived.deliveries - arrived.distinct
  if (twice > 0) notes.push(`${twice} notifications came more than once, as delivery at least once allows.`)
  notes.push(`${run.connections.tried} connections were opened until each publisher had met every gateway.`)
  const lags = createLatencyHistogram()
  lags.add(run.published.lags)
  notes.push(
    `The publishers themselves were late by p50 ${lags.percentileMs(0.5).toFixed(2)}, p99 ${lags.percentileMs(0.99).toFixed(2)}, at most ${lags.maxMs().toFixed(1)} ms, which is part of the latencies.`,
  )
  return notes
}

function percentileChart(curves: readonly [string, [number, number][]][]): Chart {
  return {
    title: 'Latencies',
    caption:
      'Share of messages that took no longer: publish to its answer, and to the whole notification at the subscriber.',
    x: { label: 'share of messages', unit: 'share', scale: 'percentile' },
    y: { label: 'milliseconds', unit: 'ms', scale: 'log' },
    series: curves.map(([name, points]) => ({ name, points })),
  }
}

function monthOf({ values }: KmsRun) {
  const { publishers, region, monthDays, monthReuseSeconds } = values
  return { publishers, region, days: monthDays, reuseSeconds: monthReuseSeconds }
}

function mergeGroups(groups: readonly RequestGroup[]): RequestGroup[] {
  const merged = new Map<string, RequestGroup>()
  for (const group of groups) {
    const name = `${group.purpose} ${group.operation} ${group.outcome}`
    merged.set(name, { ...group, count: group.count + (merged.get(name)?.count ?? 0) })
  }
  return [...merged.values()].sort((a, b) => Number(a.outcome !== 'ok') - Number(b.outcome !== 'ok'))
}
