/** Ordinary notifications against what bounds them: an RSA-2048 signature for each message. */

import { startBenchStack } from '../harness/bench-stack.ts'
import { DRAIN_ENV, drainSide } from '../harness/drain-side.ts'
import { startEndpoint } from '../harness/endpoint.ts'
import { startHelper } from '../harness/helper.ts'
import { startMeter } from '../harness/process-usage.ts'
import { alternate, type Side } from '../harness/rounds.ts'
import type { SignLoop } from '../processes/sign-loop.ts'
import { openPublisher, subscribedTopics } from './delivery-setup.ts'
import { type Bench, effortOf, type Row, type RowResult } from './row.ts'
import { withTwoWorkers } from './scaled-out.ts'

export const signedDelivery: Row = {
  name: 'signed',
  what: 'signed HTTP delivery of 1 KiB, SignatureVersion 1',
  against: 'RSA-2048 signatures of all cores',
  run,
}

/** Of SignatureVersion 1, the default of topics. */
const DIGEST = 'sha1'
const THREADS = [1, 2, 4] as const

async function run(bench: Bench): Promise<RowResult> {
  await using broker = await startBenchStack({ env: DRAIN_ENV, profileFolder: bench.profileFolder })
  await using endpoint = await startEndpoint()
  await using publisher = await openPublisher(broker)
  await using loop = await startHelper<SignLoop>('sign-loop')
  const topicArns = await subscribedTopics({ broker, endpoint })
  const seconds = bench.quick ? 0.5 : 2

  const tried: { threads: number; rate: number }[] = []
  for (const threads of THREADS) {
    tried.push({ threads, rate: await loop.call('run', { seconds: seconds / 2, threads, digest: DIGEST }) })
  }
  const { threads } = tried.reduce((best, each) => (each.rate > best.rate ? each : best))
  const messages = bench.quick ? 1_000 : 20_000
  const baseline: Side = {
    name: 'RSA-2048 signatures',
    async run() {
      const meter = startMeter([['loop', loop.pid]])
      const perSecond = await loop.call('run', { seconds, threads, digest: DIGEST })
      return { perSecond, usages: meter.stop(), problems: [] }
    },
  }
  const compared = await alternate({
    baseline,
    subject: drainSide({ name: 'signed delivery', broker, endpoint, publisher, topicArns, messages, raw: false }),
    ...effortOf(bench, { rounds: 3, warmUps: 3 }),
    unit: 'messages',
    progress: bench.progress,
  })
  const scaledOut = await withTwoWorkers({ bench, baseline, unit: 'messages', endpoint, messages, raw: false })
  return {
    figures: [{ name: 'ratio', value: compared.ratio, unit: '×', better: 'higher', first: 0.6, aim: 0.85 }],
    measured: [compared.baseline, compared.subject],
    notes: [
      compared.warmUp,
      `Signatures in ${threads} threads, the fastest of ${tried.map((each) => `${each.threads}: ${Math.round(each.rate)}/s`).join(', ')}.`,
      `${messages} messages a round, published to ${topicArns.length} sealed topics while the worker stands still; timed at the endpoint from first to last.`,
      ...scaledOut.notes,
    ],
    problems: [...compared.problems, ...scaledOut.problems],
  }
}
