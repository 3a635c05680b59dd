/** Publish against a bare node:https server that is sent the same bytes by the same client. */

import { readCa, startBenchStack, tlsFiles } from '../harness/bench-stack.ts'
import { DRAIN_ENV } from '../harness/drain-side.ts'
import { startHelper } from '../harness/helper.ts'
import { alternate } from '../harness/rounds.ts'
import { sampleResponse } from '../harness/sample-response.ts'
import { bareSide, brokerSide } from '../harness/wrk-side.ts'
import type { BareHttps } from '../processes/bare-https.ts'
import { publishRequests } from './publish-requests.ts'
import { type Bench, effortOf, type Row, type RowResult } from './row.ts'
import { withTwoGateways } from './scaled-out.ts'

export const publish: Row = {
  name: 'publish',
  what: 'Publish 1 KiB: HTTPS, SigV4, sealed, AOF everysec, one gateway',
  against: 'bare node:https',
  run,
}

async function run(bench: Bench): Promise<RowResult> {
  await using broker = await startBenchStack({ env: DRAIN_ENV, profileFolder: bench.profileFolder })
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
  const scaledOut = await withTwoGateways({
    bench,
    baseline: bareServer,
    unit: 'requests',
    async subject(two) {
      const theirs = publishRequests([await two.createTopic({ name: 'publish', sealed: true })], two.signer)
      const { url } = two
      return brokerSide({ ...common, name: 'Two gateways', url, broker: two, make: theirs, workers: 'stopped' })
    },
  })
  return {
    figures: [{ name: 'ratio', value: ratio, unit: '×', better: 'higher', first: 0.35, aim: 0.55 }],
    measured: [baseline, subject],
    notes: [
      warmUp,
      'The worker stands still while a round is timed and settles its entries before the next: this is what a gateway and Redis do.',
      `With the worker running beside them, on the same two cores, one round gave ${Math.round(perSecond)} requests/s, a ratio of ${(perSecond / baseline.perSecond).toFixed(2)}.`,
      ...scaledOut.notes,
    ],
    problems: [...problems, ...scaledOut.problems],
  }
}
