/** Publish against a bare node:https server that is sent the same bytes by the same client. */

import { availableParallelism } from 'node:os'
import { readCa, startBenchStack, tlsFiles } from '../harness/bench-stack.ts'
import { DRAIN_ENV } from '../harness/drain-side.ts'
import { startHelper } from '../harness/helper.ts'
import { alternate } from '../harness/rounds.ts'
import { sampleResponse } from '../harness/sample-response.ts'
import { bareSide, brokerSide } from '../harness/wrk-side.ts'
import type { BareHttps } from '../processes/bare-https.ts'
import { publishRequests } from './publish-requests.ts'
import { type Bench, effortOf, type Row, type RowResult } from './row.ts'
import { withOneThread } from './scaled-out.ts'

export const publish: Row = {
  name: 'publish',
  what: 'Publish 1 KiB: HTTPS, SigV4, sealed, AOF everysec, one gateway with a thread for each core',
  against: 'bare node:https',
  run,
}

/** As many as a gateway takes. */
const MAX_THREADS = 64

async function run(bench: Bench): Promise<RowResult> {
  const threads = Math.min(availableParallelism(), MAX_THREADS)
  const env = { ...DRAIN_ENV, SEALCAST_GATEWAY_THREADS: String(threads) }
  await using broker = await startBenchStack({ env, profileFolder: bench.profileFolder })
  const topicArn = await broker.createTopic({ name: 'publish', sealed: true })
  const make = publishRequests([topicArn], broker.signer)
  const { stack } = broker
  const sample = await sampleResponse({ url: broker.url, ca: readCa(stack), request: make(0) })
  if (sample.status !== 200) throw new Error(`Publish was answered with ${sample.status}`)
  await using bare = await startHelper<BareHttps>('bare-https')
  const { headers, body } = sample
  const port = await bare.call('listen', { ...tlsFiles(stack), headers, body })

  const common = { folder: bench.folder, seconds: bench.quick ? 1 : 2, make }
  const side = { ...common, name: 'Publish', url: broker.url, broker }
  const bareServer = bareSide({
    ...common,
    name: 'bare node:https',
    url: `https://localhost:${port}`,
    pids: () => [['bare server', bare.pid]],
  })
  const { baseline, subject, ratio, warmUp, problems } = await alternate({
    baseline: bareServer,
    subject: brokerSide({ ...side, workers: 'stopped' }),
    ...effortOf(bench, { rounds: 7, warmUps: 8 }),
    unit: 'requests',
    progress: bench.progress,
  })
  const { perSecond } = await brokerSide({ ...side, name: 'Publish beside a worker' }).run(1)
  const oneThread = await withOneThread({
    bench,
    baseline: bareServer,
    unit: 'requests',
    instead: threads,
    async subject(one) {
      const theirs = publishRequests([await one.createTopic({ name: 'publish', sealed: true })], one.signer)
      const { url } = one
      return brokerSide({ ...common, name: 'One thread', url, broker: one, make: theirs, workers: 'stopped' })
    },
  })
  return {
    figures: [{ name: 'ratio', value: ratio, unit: '×', better: 'higher', first: 0.35, aim: 0.55 }],
    measured: [baseline, subject],
    notes: [
      warmUp,
      'The worker stands still while a round is timed and settles its entries before the next: this is what a gateway and Redis do.',
      `With the worker running beside them, on the same two cores, one round gave ${Math.round(perSecond)} requests/s, a ratio of ${(perSecond / baseline.perSecond).toFixed(2)}.`,
      `The gateway has ${threads} threads, the bare server one, and the client as many connections for both.`,
      ...oneThread.notes,
    ],
    problems: [...problems, ...oneThread.problems],
  }
}
