/** Sealed against unsealed publishing, through the same gateway. */

import { startBenchStack } from '../harness/bench-stack.ts'
import { alternate } from '../harness/rounds.ts'
import { brokerSide } from '../harness/wrk-side.ts'
import { publishRequests } from './publish-requests.ts'
import { type Bench, effortOf, type Row, type RowResult } from './row.ts'

export const sealed: Row = {
  name: 'sealed',
  what: 'Publish 1 KiB to a sealed topic',
  against: 'an unsealed topic of the same gateway',
  run,
}

async function run(bench: Bench): Promise<RowResult> {
  await using broker = await startBenchStack({ profileFolder: bench.profileFolder })
  // Names of one length, so that requests are too.
  const sides = await Promise.all(
    [false, true].map(async (isSealed) => {
      const topicArn = await broker.createTopic({ name: isSealed ? 'bench-sealed' : 'bench-opened', sealed: isSealed })
      return brokerSide({
        name: isSealed ? 'sealed' : 'unsealed',
        folder: bench.folder,
        seconds: bench.quick ? 1 : 2,
        make: publishRequests([topicArn], broker.signer),
        url: broker.url,
        broker,
      })
    }),
  )
  const [baseline, subject] = sides
  if (baseline === undefined || subject === undefined) throw new Error('Two sides were expected')
  const compared = await alternate({
    baseline,
    subject,
    ...effortOf(bench, { rounds: 7, warmUps: 8 }),
    unit: 'requests',
    progress: bench.progress,
  })
  return {
    figures: [{ name: 'ratio', value: compared.ratio, unit: '×', better: 'higher', first: 0.88, aim: 0.95 }],
    measured: [compared.baseline, compared.subject],
    notes: [compared.warmUp, 'Nobody is subscribed: the worker settles each entry without opening it.'],
    problems: compared.problems,
  }
}
