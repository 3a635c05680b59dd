/** The charts of a run over time: requests against the formula, and ages of data keys. Pure. */

import type { Chart, Series } from '../report/load-report.ts'
import { totalOf } from './counts.ts'
import { agesAt, type Issue } from './kms-log.ts'
import type { KmsRun, Sample } from './run.ts'

const AGE_STEPS = 400

export function chartsOf(run: KmsRun, formula: { perPeriod: number }): Chart[] {
  const { samples, values } = run
  const { reuseSeconds, gateways } = values
  const textbook = ((formula.perPeriod / (gateways + 1)) * 2) / reuseSeconds
  const predicted = formula.perPeriod / reuseSeconds
  return [
    {
      title: 'KMS requests a second',
      caption:
        'Over one reuse period up to each moment, in which every steady publisher needs one key: they should lie on the line of the formula, and rise to it during the first period, in which publishers begin one after the other.',
      x: { label: 'seconds', unit: 's' },
      y: { label: 'requests/s', unit: 'per second' },
      series: [
        {
          name: 'GenerateDataKey and Decrypt',
          points: ratesOver(samples, reuseSeconds * 1000, ({ requests }) => totalOf(requests)),
        },
        {
          name: 'GenerateDataKey',
          points: ratesOver(samples, reuseSeconds * 1000, ({ requests }) => requests.GenerateDataKey),
        },
      ],
      marks: [
        { axis: 'y', at: predicted, label: `formula (g + 1) × P / D = ${predicted.toFixed(1)}` },
        ...(gateways === 1
          ? []
          : [{ axis: 'y' as const, at: textbook, label: `textbook 2 × P / D = ${textbook.toFixed(1)}` }]),
      ],
    },
    {
      title: 'KMS requests so far',
      caption: 'All requests since the beginning, and the formula for the periods that had begun by then.',
      x: { label: 'seconds', unit: 's' },
      y: { label: 'requests', unit: 'count' },
      series: [
        { name: 'requests', points: samples.map(({ atMs, requests }) => [atMs / 1000, totalOf(requests)]) },
        {
          name: 'formula',
          form: 'dashed',
          points: samples.map(({ atMs, begun }) => [atMs / 1000, begun * (gateways + 1)]),
        },
      ],
    },
    {
      title: 'Age of the data keys',
      caption: `A key seals until it is ${reuseSeconds} s old and is replaced by the first message after that: ages rise to the line and never above it by more than a message's gap while publishers are steady.`,
      x: { label: 'seconds', unit: 's' },
      y: { label: 'age in seconds', unit: 's' },
      series: run.issues === undefined ? gaugeSeries(samples) : ageSeries(run, run.issues),
      marks: [{ axis: 'y', at: reuseSeconds, label: `D = ${reuseSeconds} s` }],
    },
  ]
}

/** Per second, between each sample and the last one at least `spanMs` before it. */
export function ratesOver(
  samples: readonly Sample[],
  spanMs: number,
  of: (sample: Sample) => number,
): [seconds: number, perSecond: number][] {
  return samples.map((sample) => {
    const from = samples.findLast(({ atMs }) => atMs <= sample.atMs - spanMs)
    const since =
      from === undefined ? { atMs: Math.min(0, sample.atMs - spanMs), count: 0 } : { atMs: from.atMs, count: of(from) }
    return [sample.atMs / 1000, ((of(sample) - since.count) * 1000) / (sample.atMs - since.atMs)]
  })
}

/** By the KMS's log: the oldest key of all pairs, and the mean. */
function ageSeries({ endedMs }: KmsRun, issues: readonly Issue[]): Series[] {
  const points = Array.from({ length: AGE_STEPS }, (_, step) => (endedMs * (step + 1)) / AGE_STEPS).map((atMs) => {
    const ages = agesAt(issues, atMs).map((ms) => ms / 1000)
    const mean = ages.reduce((sum, age) => sum + age, 0) / ages.length
    return { seconds: atMs / 1000, oldest: ages.length === 0 ? Number.NaN : Math.max(...ages), mean }
  })
  return [
    { name: "oldest, by the KMS's log", points: points.map(({ seconds, oldest }) => [seconds, oldest]) },
    { name: 'mean', points: points.map(({ seconds, mean }) => [seconds, mean]) },
  ]
}

function gaugeSeries(samples: readonly Sample[]): Series[] {
  const gateways = Math.max(0, ...samples.map(({ oldestAgesSeconds }) => oldestAgesSeconds.length))
  return Array.from({ length: gateways }, (_, at) => ({
    name: `oldest of gateway ${at + 1}`,
    points: samples.map(({ atMs, oldestAgesSeconds }) => [atMs / 1000, oldestAgesSeconds[at] ?? Number.NaN] as const),
  }))
}
