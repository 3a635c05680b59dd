/** PublishBatch of ten against a bare ioredis loop that adds the same bytes to a stream of the same Redis. */

import { startBenchStack } from '../harness/bench-stack.ts'
import { DRAIN_ENV } from '../harness/drain-side.ts'
import { startHelper } from '../harness/helper.ts'
import { startMeter } from '../harness/process-usage.ts'
import { alternate } from '../harness/rounds.ts'
import { brokerSide } from '../harness/wrk-side.ts'
import type { XaddLoop } from '../processes/xadd-loop.ts'
import { openPublisher } from './delivery-setup.ts'
import { batchRequests } from './publish-requests.ts'
import { type Bench, effortOf, type Row, type RowResult } from './row.ts'

export const publishBatch: Row = {
  name: 'publish-batch',
  what: 'PublishBatch of 10 × 1 KiB: HTTPS, SigV4, sealed, messages',
  against: 'bare ioredis XADD of the same entries, 64 in flight',
  run,
}

const ENTRIES = 10
const PARTITIONS = 16

async function run(bench: Bench): Promise<RowResult> {
  const env = { ...DRAIN_ENV, SEALCAST_PARTITIONS: String(PARTITIONS) }
  await using broker = await startBenchStack({ env, profileFolder: bench.profileFolder })
  const topicArn = await broker.createTopic({ name: 'publish-batch', sealed: true })
  await using loop = await startHelper<XaddLoop>('xadd-loop')
  const entryBytes = await openLoop()
  const seconds = bench.quick ? 1 : 2
  const side = {
    name: 'PublishBatch',
    folder: bench.folder,
    seconds,
    make: batchRequests(topicArn, ENTRIES, broker.signer),
    messages: ENTRIES,
    url: broker.url,
    broker,
  }
  const compared = await alternate({
    baseline: {
      name: 'bare XADD',
      async run() {
        const redis = broker.pids().filter(([name]) => name === 'redis')
        const meter = startMeter([['loop', loop.pid], ...redis])
        const perSecond = await loop.call('run', { seconds: seconds / 2 })
        return { perSecond, usages: meter.stop(), problems: [] }
      },
    },
    subject: brokerSide({ ...side, workers: 'stopped' }),
    ...effortOf(bench, { rounds: 7, warmUps: 8 }),
    unit: 'messages',
    progress: bench.progress,
  })
  const { perSecond } = await brokerSide({ ...side, name: 'PublishBatch beside a worker' }).run(1)
  return {
    figures: [{ name: 'ratio', value: compared.ratio, unit: '×', better: 'higher', first: 0.4, aim: 0.7 }],
    measured: [compared.baseline, compared.subject],
    notes: [
      compared.warmUp,

      `An entry has ${entryBytes} bytes in Redis, fields and values; the loop takes its fields from one that Sealcast stored.`,
      'The worker stands still while a round is timed, as the loop has no counterpart of it, and settles before the next.',
      `With the worker running beside them one round gave ${Math.round(perSecond)} messages/s, a ratio of ${(perSecond / compared.baseline.perSecond).toFixed(2)}.`,
    ],
    problems: compared.problems,
  }

  /** A stored entry is there to be seen while the worker stands still. */
  async function openLoop(): Promise<number> {
    await using publisher = await openPublisher(broker)
    broker.pauseWorkers()
    try {
      await publisher.call('fill', { lanes: [{ topicArn, signer: broker.signer }], count: ENTRIES })
      return await loop.call('open', { url: broker.stack.env.SEALCAST_REDIS_URL ?? '', partitions: PARTITIONS })
    } finally {
      broker.resumeWorkers()
    }
  }
}
