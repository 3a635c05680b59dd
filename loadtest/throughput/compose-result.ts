/** The report of a run, from what was seen of it. Pure. */

import { latencyFigures, percentileCurve } from '../harness/histogram.ts'
import type { GeneratorResult } from '../processes/load-generator.ts'
import type { SubscriberResult } from '../processes/load-subscriber.ts'
import type { ErrorCount, Figure, LoadResult, ReportTable, Setting } from '../report/load-report.ts'
import type { Account } from './account.ts'
import { composeCharts } from './compose-charts.ts'
import { type Growth, growthsOf, notJudged } from './growth.ts'
import { judge } from './judge.ts'
import type { ThroughputRun } from './throughput-settings.ts'
import { mergeHistograms, type Sample } from './watch-run.ts'

export interface Seen {
  readonly samples: readonly Sample[]
  readonly results: readonly GeneratorResult[]
  readonly received: readonly SubscriberResult[]
  readonly account: Account
  /** Seconds from the schedule's zero. */
  readonly restarts: readonly number[]
  readonly interrupted: boolean
  /** Seconds from the schedule's zero to when nothing more was offered. */
  readonly offeredUntil: number
  /** CLOCK_MONOTONIC of the schedule's zero. */
  readonly startAtMs: number
  /** GenerateDataKey and Decrypt that the KMS served. */
  readonly kmsCalls: number
}

const MEBIBYTE = 1024 * 1024
/** Processes of the test and not of the broker. */
const OURS = /^(generator|subscriber)/
const isOfTheTest = (name: string) => OURS.test(name)

export function composeResult(o: ThroughputRun, seen: Seen): LoadResult {
  const { account, results, received, samples } = seen
  const publish = mergeHistograms(results.map(({ latency }) => latency))
  const service = mergeHistograms(results.map((result) => result.service))
  const late = mergeHistograms(results.map((result) => result.late))
  const endToEnd = mergeHistograms(received.map(({ latency }) => latency))
  const rates = ratesOf(o, seen)
  const errors = errorsOf(results)
  const growths =
    o.soak === undefined
      ? []
      : growthsOf(samples, {
          fromSeconds: o.warmUp,
          untilSeconds: seen.offeredUntil,
          settleSeconds: o.warmUp,
          maxPerHour: o.soak.maxGrowth * MEBIBYTE,
          isOfTheTest,
        })
  const processes = processRows(o, seen)
  const verdict = judge(
    {
      account,
      offeredRate: rates.offered,
      achievedRate: rates.achieved,
      publishP99Ms: publish.percentileMs(0.99),
      endToEndP99Ms: endToEnd.percentileMs(0.99),
      lateP99Ms: late.percentileMs(0.99),
      generatorCores: Math.max(0, ...processes.filter(({ name }) => /^generator/.test(name)).map(({ cores }) => cores)),
      failed: errors.reduce((sum, { count }) => sum + count, 0),
      firstError: errors[0]?.code,
      growths,
    },
    { ...o, maxEndToEndP99: o.delivery?.maxEndToEndP99 ?? 0 },
    seen.interrupted,
  )

  const delivery: Figure[] =
    o.delivery === undefined
      ? []
      : [
          {
            name: 'delivered',
            value: rates.delivered,
            unit: 'per second',
            note: `${account.owed} deliveries owed in all`,
          },
          {
            name: 'end to end p99',
            value: endToEnd.percentileMs(0.99),
            unit: 'ms',
            ...judged(o.delivery.maxEndToEndP99, endToEnd.percentileMs(0.99)),
          },
          {
            name: 'lost',
            value: account.lost,
            unit: 'count',
            judged: account.lost === 0 ? 'good' : 'bad',
            note: `${account.duplicates} came more than once`,
          },
        ]
  return {
    title: titleOf(o),
    verdict,
    settings: settingsOf(o, seen),
    figures: [
      { name: 'offered', value: rates.offered, unit: 'per second', note: 'by the clock' },
      {
        name: 'achieved',
        value: rates.achieved,
        unit: 'per second',
        judged: rates.achieved >= o.minAchieved * rates.offered ? 'good' : 'bad',
        note: rates.offered > 0 ? `${((100 * rates.achieved) / rates.offered).toFixed(1)} % of what was offered` : '',
      },
      {
        name: 'publish p99',
        value: publish.percentileMs(0.99),
        unit: 'ms',
        ...judged(o.maxP99, publish.percentileMs(0.99)),
      },
      ...delivery,
      {
        name: 'failed',
        value: errors.reduce((sum, { count }) => sum + count, 0),
        unit: 'count',
        note: 'messages that were refused or got no answer',
      },
      {
        name: 'generator late p99',
        value: late.percentileMs(0.99),
        unit: 'ms',
        judged: late.percentileMs(0.99) <= o.maxLate ? 'good' : 'bad',
        note: `at most ${o.maxLate} ms count`,
      },
    ],
    latencies: [
      latencyFigures(
        'publish',
        'from when a request was due to its whole answer, or until it was given up: what a publisher waits; refusals left out',
        publish,
      ),
      latencyFigures('publish, service', 'from when it was sent: without waiting for a free connection', service),
      ...(o.delivery === undefined
        ? []
        : [
            latencyFigures(
              'end to end',
              'from when a message was due to its whole notification at the subscriber',
              endToEnd,
            ),
          ]),
      latencyFigures('generator late', 'from when a request was due to when the generator took it up', late),
    ],
    errors,
    tables: [
      countTable(o, account),
      processTable(processes, rates.messages),
      ...(growths.length === 0 ? [] : [growthTable(growths, o.soak?.maxGrowth ?? 0)]),
    ],
    charts: composeCharts(o, samples, seen.restarts, {
      publish: percentileCurve(publish),
      service: percentileCurve(service),
      endToEnd: percentileCurve(endToEnd),
      late: percentileCurve(late),
    }),
    notes: notesOf(o, seen, growths),
  }
}

function judged(limit: number, value: number): { judged?: 'good' | 'bad'; note?: string } {
  return limit === 0 ? {} : { judged: value <= limit ? 'good' : 'bad', note: `at most ${limit} ms` }
}

interface Rates {
  readonly offered: number
  readonly achieved: number
  readonly delivered: number
  /** Accepted messages a second over all looks, for the cost of each. */
  readonly messages: number
}

/** Over the measured span; what was answered or delivered after its end stretches the span. NaN of none. */
function ratesOf(o: ThroughputRun, { results, received, offeredUntil, startAtMs, samples }: Seen): Rates {
  const offeredSpan = Math.max(0, offeredUntil - o.warmUp)
  const until = (ends: readonly number[]) =>
    Math.max(o.warmUp, offeredUntil, ...ends.map((at) => (at - startAtMs) / 1000)) - o.warmUp
  const due = results.reduce((sum, { measured }) => sum + measured.due, 0)
  const accepted = results.reduce((sum, { measured }) => sum + measured.accepted, 0)
  const delivered = received.reduce((sum, { measured }) => sum + measured, 0)
  const spans = measuredSamples(o, { samples, offeredUntil })
  const seconds = spans.reduce((sum, { span }) => sum + span, 0)
  return {
    offered: due / offeredSpan,
    achieved: accepted / settled(until(results.map(({ endedAtMs }) => endedAtMs)), offeredSpan),
    delivered: delivered / settled(until(received.map(({ endedAtMs }) => endedAtMs)), offeredSpan),
    messages: spans.reduce((sum, sample) => sum + sample.accepted, 0) / seconds,
  }
}

/** The last answers always come a little after the last request was due; that is no falling behind. */
function settled(span: number, offeredSpan: number): number {
  return span - offeredSpan < 0.5 ? offeredSpan : span
}

function measuredSamples(
  o: ThroughputRun,
  { samples, offeredUntil }: { samples: readonly Sample[]; offeredUntil: number },
): Sample[] {
  return samples.filter(({ at, span }) => at - span >= o.warmUp - 0.5 && at <= offeredUntil + 0.5)
}

function errorsOf(results: readonly GeneratorResult[]): ErrorCount[] {
  const counts = new Map<string, number>()
  for (const { errors } of results) {
    for (const [code, count] of errors) counts.set(code, (counts.get(code) ?? 0) + count)
  }
  return [...counts].map(([code, count]) => ({ code, count })).sort((a, b) => b.count - a.count)
}

interface ProcessRow {
  readonly name: string
  /** Mean and highest of the measured span. */
  readonly cores: number
  readonly mostCores: number
  readonly firstBytes: number
  readonly lastBytes: number
}

function processRows(o: ThroughputRun, seen: Seen): ProcessRow[] {
  const samples = measuredSamples(o, seen)
  const names = new Set(samples.flatMap(({ processes }) => processes.map(({ name }) => name)))
  // The broker's first, then those of the test; of replaced ones the number may be above the rest.
  const ordered = [...names].sort((a, b) => Number(OURS.test(a)) - Number(OURS.test(b)) || a.localeCompare(b))
  return ordered.map((name) => {
    const own = samples.flatMap(({ processes, span }) =>
      processes.filter((each) => each.name === name).map((each) => ({ ...each, span })),
    )
    const timed = own.filter(({ cores }) => Number.isFinite(cores))
    const seconds = timed.reduce((sum, { span }) => sum + span, 0)
    return {
      name,
      cores: timed.reduce((sum, { cores, span }) => sum + cores * span, 0) / seconds,
      mostCores: Math.max(...timed.map(({ cores }) => cores)),
      firstBytes: own[0]?.residentBytes ?? Number.NaN,
      lastBytes: own.at(-1)?.residentBytes ?? Number.NaN,
    }
  })
}

function processTable(rows: readonly ProcessRow[], messagesPerSecond: number): ReportTable {
  return {
    title: 'Processes',
    note: 'Over the measured span. Processor time for each accepted message; memory resident at its begin and end.',
    columns: [
      { name: 'process' },
      { name: 'cores', unit: 'cores' },
      { name: 'most', unit: 'cores' },
      { name: 'a message', unit: 'ms' },
      { name: 'memory, begin', unit: 'bytes' },
      { name: 'end', unit: 'bytes' },
    ],
    rows: rows.map(({ name, cores, mostCores, firstBytes, lastBytes }) => [
      OURS.test(name) ? `${name} (of the test)` : name,
      cores,
      mostCores,
      (cores / messagesPerSecond) * 1000,
      firstBytes,
      lastBytes,
    ]),
  }
}

function growthTable(growths: readonly Growth[], maxGrowth: number): ReportTable {
  return {
    title: 'Growth of memory',
    note: `Least squares over the measured span; "surely" is the lower end of the 95 % interval, and more than ${maxGrowth} MiB/h there fails the run.`,
    columns: [
      { name: 'of' },
      { name: 'from', unit: 'bytes' },
      { name: 'rise', unit: 'bytes' },
      { name: 'slope', unit: 'bytes per hour' },
      { name: 'surely', unit: 'bytes per hour' },
      { name: 'grows' },
    ],
    rows: growths.map(({ name, slope, isGrowing }) => [
      name,
      slope.from,
      slope.rise,
      slope.perHour,
      slope.leastPerHour,
      isGrowing ? 'yes' : 'no',
    ]),
  }
}

function countTable(o: ThroughputRun, account: Account): ReportTable {
  const delivery: [string, string | number, string][] =
    o.delivery === undefined
      ? []
      : [
          ['owed', account.owed, 'accepted messages × subscriptions of their topic'],
          ['delivered', account.deliveries, 'requests at the subscribers'],
          ['more than once', account.duplicates, 'of a message to a subscription that had it'],
          ['lost', account.lost, 'owed and not delivered, compared message by message'],
        ]
  return {
    title: 'Count from end to end',
    note: 'Messages, warm-up included.',
    columns: [{ name: 'what' }, { name: 'count', unit: 'count' }, { name: 'counted by' }],
    rows: [
      ['offered', account.offered, 'the generator: came due'],
      ['accepted', account.accepted, 'the generator: answered with a message id'],
      ['without an answer', account.unknown, 'the generator: nobody can tell whether they are stored'],
      ['published', account.published ?? '–', 'the gateways: sealcast_messages_published_total'],
      ['appended', account.appended, 'Redis: entries-added of the partition streams'],
      ...delivery,
    ],
  }
}

function titleOf(o: ThroughputRun): string {
  const what = `${o.rate.toLocaleString('en-US')} messages a second of ${o.messageBytes.toLocaleString('en-US')} bytes for ${o.seconds.toLocaleString('en-US')} s`
  const how = o.sealed ? 'sealed' : 'not sealed'
  if (o.delivery === undefined) return `Publishing ${what}, ${how}`
  const { subscriptions } = o.delivery
  const to = subscriptions === 1 ? 'a subscriber' : `${subscriptions} subscribers each`
  return `${o.soak === undefined ? 'Publishing' : 'Soak: publishing'} ${what}, ${how}, delivered to ${to}`
}

function settingsOf(o: ThroughputRun, seen: Seen): Setting[] {
  const { delivery, soak } = o
  const line = (name: string, value: string | number) => ({ name, value: String(value) })
  return [
    line('broker', `${count(o.gateways, 'gateway')}, ${count(o.workers, 'worker')}, local KMS, Redis with AOF`),
    line(
      'rate',
      `${o.rate} messages/s, ${o.arrivals === 'constant' ? 'evenly' : `at random (Poisson, seed ${o.seed})`}`,
    ),
    line(
      'measured',
      `${o.seconds} s after ${o.warmUp} s of warm-up${seen.interrupted ? `; ended after ${seen.offeredUntil.toFixed(1)} s in all` : ''}`,
    ),
    line(
      'messages',
      `${o.messageBytes} bytes, ${o.batch === 1 ? 'one a request' : `${o.batch} a request (PublishBatch)`}`,
    ),
    line('topics', `${o.topics}, ${o.sealed ? 'sealed, a KMS key each' : 'not sealed'}`),
    line('publishers', `${count(o.publishers, 'principal')}, ${count(o.connections, 'TLS connection')}`),
    ...(delivery === undefined
      ? []
      : [
          line(
            'subscriptions',
            `${delivery.subscriptions} of each topic, ${delivery.raw ? 'raw' : 'signed notifications'}, HTTP on ${count(delivery.endpoints, 'origin')}`,
          ),
        ]),
    ...(soak === undefined
      ? []
      : [
          line(
            'replaced meanwhile',
            soak.restartEvery === 0
              ? 'never'
              : `all gateways and workers every ${soak.restartEvery} s, ${seen.restarts.length} times`,
          ),
        ]),
  ]
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

function notesOf(o: ThroughputRun, seen: Seen, growths: readonly Growth[]): string[] {
  const waited = seen.results.reduce((sum, { foundNoConnection }) => sum + foundNoConnection, 0)
  const reopened = seen.results.reduce((sum, result) => sum + result.reopened, 0)
  const dark = o.soak === undefined ? [] : notJudged(seen.samples, growths, isOfTheTest)
  const others = othersOf(measuredSamples(o, seen))
  return [
    'Open loop: requests go out when they are due, whatever the answers do, and a latency counts from when a request was due. A broker that stalls is charged with all that would have come meanwhile.',
    'Requests are signed beforehand by a thread of the generator and sent over kept-alive TLS 1.3 connections; nothing is sent twice.',
    `${waited} requests found no free connection and waited for one, which counts as latency; ${reopened} connections had to be opened again.`,
    `The local KMS served ${seen.kmsCalls} GenerateDataKey and Decrypt requests.`,
    `Other processes of the machine used ${others.toFixed(2)} cores meanwhile.`,
    ...(dark.length > 0
      ? [
          `Of ${dark.join(', ')} too little was seen to tell whether memory grows: soak for longer, or replace less often.`,
        ]
      : []),
    ...(seen.restarts.length > 0
      ? ['Gateways were replaced, and their counters with them: what was published is told by Redis alone.']
      : []),
  ]
}

function othersOf(samples: readonly Sample[]): number {
  const seconds = samples.reduce((sum, { span }) => sum + span, 0)
  const others = samples.reduce((sum, { machineCores, processes, span }) => {
    const known = processes.reduce((total, { cores }) => total + (Number.isFinite(cores) ? cores : 0), 0)
    return sum + Math.max(0, machineCores - known) * span
  }, 0)
  return others / seconds
}
