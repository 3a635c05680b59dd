/**
 * The same row again with one thing more or less: what a second worker adds where the row has one, and what a gateway of
 * one thread does where the row has one of several.
 *
 * Rounds of its own beside the same baseline, since the machine may be quicker or slower by now.
 */

import { type BenchStack, startBenchStack } from '../harness/bench-stack.ts'
import { DRAIN_ENV, drainSide } from '../harness/drain-side.ts'
import type { BenchEndpoint } from '../harness/endpoint.ts'
import { alternate, type Side } from '../harness/rounds.ts'
import { openPublisher, subscribedTopics } from './delivery-setup.ts'
import { type Bench, effortOf } from './row.ts'

export interface ScaledOut {
  readonly notes: readonly string[]
  readonly problems: readonly string[]
}

/** @param o.subject of a broker whose gateway has one thread; @param o.instead of how many */
export async function withOneThread(o: {
  bench: Bench
  baseline: Side
  unit: string
  instead: number
  subject: (broker: BenchStack) => Promise<Side>
}): Promise<ScaledOut> {
  await using broker = await startBenchStack({ env: DRAIN_ENV })
  return await compare({ ...o, what: `one thread instead of ${o.instead}`, subject: await o.subject(broker) })
}

/** Deliveries by two workers. */
export async function withTwoWorkers(o: {
  bench: Bench
  baseline: Side
  unit: string
  endpoint: BenchEndpoint
  messages: number
  raw: boolean
}): Promise<ScaledOut> {
  const { endpoint, messages, raw } = o
  await using broker = await startBenchStack({ env: { ...DRAIN_ENV, SEALCAST_WORKERS: '2' } })
  await using publisher = await openPublisher(broker)
  const topicArns = await subscribedTopics({ broker, endpoint, raw })
  const subject = drainSide({ name: 'two workers', broker, endpoint, publisher, topicArns, messages, raw })
  return await compare({ ...o, what: 'two workers instead of one', subject })
}

async function compare(o: {
  bench: Bench
  baseline: Side
  subject: Side
  unit: string
  what: string
}): Promise<ScaledOut> {
  const { baseline, subject, ratio, problems } = await alternate({
    baseline: o.baseline,
    subject: o.subject,
    ...effortOf(o.bench, { rounds: 3, warmUps: 3 }),
    unit: o.unit,
    progress: o.bench.progress,
  })
  const [ours, theirs] = [subject, baseline].map(({ perSecond }) => Math.round(perSecond).toLocaleString('en'))
  return {
    notes: [
      `With ${o.what}, in ${subject.rounds.length} rounds beside it: ${ours} ${o.unit}/s against ${theirs}, a ratio of ${ratio.toFixed(2)}.`,
    ],
    problems,
  }
}
