/** The charts of a run. Pure. */

import type { Chart, Mark, Series } from '../report/load-report.ts'
import type { ThroughputRun } from './throughput-settings.ts'
import type { Sample } from './watch-run.ts'

type Curve = readonly (readonly [share: number, ms: number])[]

/** Of looks that are shown; the last ones may follow each other at once. */
const LEAST_SPAN_SECONDS = 0.5
const SECONDS = { label: 'time', unit: 's' } as const

export function composeCharts(
  o: ThroughputRun,
  all: readonly Sample[],
  restarts: readonly number[],
  curves: { publish: Curve; service: Curve; endToEnd: Curve; late: Curve },
): Chart[] {
  // A rate of a moment says nothing.
  const samples = all.filter(({ span }) => span >= LEAST_SPAN_SECONDS)
  const isDelivered = o.delivery !== undefined
  const over = (name: string, read: (sample: Sample) => number, form: Series['form'] = 'line'): Series => ({
    name,
    form,
    points: samples.map((sample) => [sample.at, read(sample)]),
  })
  const perSecond = (read: (sample: Sample) => number) => (sample: Sample) => read(sample) / sample.span
  const mark = (at: number, label: string): Mark => ({ axis: 'x', at, label })
  const marks = [
    ...(o.warmUp === 0 ? [] : [mark(o.warmUp, 'measured from here')]),
    ...restarts.map((at) => mark(at, 'replaced')),
  ]
  const hasFailures = samples.some(({ failed }) => failed > 0)
  return [
    {
      title: 'Rates',
      caption: 'Messages a second: what came due, what publishers were told is stored, and what reached subscribers.',
      x: SECONDS,
      y: { label: 'messages', unit: 'per second' },
      series: [
        over(
          'offered',
          perSecond(({ due }) => due),
          'dashed',
        ),
        over(
          'accepted',
          perSecond(({ accepted }) => accepted),
        ),
        ...(isDelivered
          ? [
              over(
                'delivered',
                perSecond(({ deliveries }) => deliveries),
              ),
            ]
          : []),
        ...(hasFailures
          ? [
              over(
                'failed',
                perSecond(({ failed }) => failed),
              ),
            ]
          : []),
      ],
      marks,
    },
    {
      title: 'Latency by percentile',
      caption: 'Each further nine takes as much room as the one before; the longest of all are at the right.',
      x: { label: 'share of all that took no longer', unit: 'share', scale: 'percentile' },
      y: { label: 'latency', unit: 'ms', scale: 'log' },
      series: [
        { name: 'publish', points: curves.publish },
        { name: 'publish, service', points: curves.service },
        ...(isDelivered ? [{ name: 'end to end', points: curves.endToEnd }] : []),
        { name: 'generator late', points: curves.late, form: 'dashed' as const },
      ],
    },
    {
      title: 'Publish latency over time',
      caption: 'From when a request was due to its answer, by the second in which the answer came.',
      x: SECONDS,
      y: { label: 'latency', unit: 'ms', scale: 'log' },
      series: [
        over('p50', ({ publish }) => publish.p50Ms),
        over('p99', ({ publish }) => publish.p99Ms),
        over('longest', ({ publish }) => publish.maxMs, 'dots'),
        over('generator late, p99', ({ late }) => late.p99Ms, 'dashed'),
      ],
      marks,
    },
    ...(isDelivered
      ? [
          {
            title: 'End-to-end latency over time',
            caption: 'From when a message was due to its notification, by the second in which that came.',
            x: SECONDS,
            y: { label: 'latency', unit: 'ms' as const, scale: 'log' as const },
            series: [
              over('p50', ({ endToEnd }) => endToEnd.p50Ms),
              over('p99', ({ endToEnd }) => endToEnd.p99Ms),
              over('longest', ({ endToEnd }) => endToEnd.maxMs, 'dots'),
            ],
            marks,
          },
        ]
      : []),
    {
      title: 'What waits',
      caption:
        'Entries in the partition streams, requests that wait for their answer, and those that wait for a connection.',
      x: SECONDS,
      y: { label: 'waiting', unit: 'count' },
      series: [
        over('entries in streams', ({ redis }) => redis?.backlog ?? Number.NaN),
        over('requests under way', ({ underWay }) => underWay),
        over('requests without a connection', ({ waiting }) => waiting),
      ],
      marks,
    },
    {
      title: 'Processor time',
      caption: 'Cores used by each process; those of the test itself are dashed.',
      x: SECONDS,
      y: { label: 'cores', unit: 'cores' },
      series: ofProcesses(samples, ({ cores }) => cores),
      marks,
    },
    {
      title: 'Memory of processes',
      caption: 'Resident memory of each process; those of the test itself are dashed.',
      x: SECONDS,
      y: { label: 'resident', unit: 'bytes' },
      series: ofProcesses(samples, ({ residentBytes }) => residentBytes),
      marks,
    },
    {
      title: 'Memory of Redis',
      caption: 'What Redis holds for data and clients, by its own count (used_memory).',
      x: SECONDS,
      y: { label: 'used', unit: 'bytes' },
      series: [over('used_memory', ({ redis }) => redis?.usedMemoryBytes ?? Number.NaN, 'area')],
      marks,
    },
  ]
}

function ofProcesses(samples: readonly Sample[], read: (process: Sample['processes'][number]) => number): Series[] {
  const names = [...new Set(samples.flatMap(({ processes }) => processes.map(({ name }) => name)))]
  return names.map((name) => ({
    name,
    form: /^(generator|subscriber)/.test(name) ? 'dashed' : 'line',
    points: samples.map(({ at, processes }) => {
      const process = processes.find((each) => each.name === name)
      return [at, process === undefined ? Number.NaN : read(process)]
    }),
  }))
}
