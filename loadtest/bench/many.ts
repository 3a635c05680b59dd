/** Publishing spread over many topics of a large catalog against one topic with one subscription, on two brokers in turn. */

import { join } from 'node:path'
import { type BenchStack, startBenchStack } from '../harness/bench-stack.ts'
import { startEndpoint } from '../harness/endpoint.ts'
import { startHelper } from '../harness/helper.ts'
import { alternate, type Measured } from '../harness/rounds.ts'
import { brokerSide } from '../harness/wrk-side.ts'
import type { LoadCatalog } from '../processes/load-catalog.ts'
import { publishRequests } from './publish-requests.ts'
import { type Bench, effortOf, type Row, type RowResult } from './row.ts'

export const many: Row = {
  name: 'many',
  what: 'Publish 1 KiB with 10,000 topics and 100,000 subscriptions, spread over all topics',
  against: '1 topic, 1 subscription',
  run,
}

async function run(bench: Bench): Promise<RowResult> {
  await using few = await startBenchStack({ profileFolder: bench.profileFolder })
  await using much = await startBenchStack({ profileFolder: bench.profileFolder })
  await using endpoint = await startEndpoint()
  const size = bench.quick ? { topics: 200, subscriptionsEach: 10 } : { topics: 10_000, subscriptionsEach: 10 }
  const common = { folder: bench.folder, seconds: bench.quick ? 1 : 2 }
  const load = async (broker: BenchStack, o: { topics: number; subscriptionsEach: number }) => {
    await using loader = await startHelper<LoadCatalog>('load-catalog')
    const { env, home } = broker.stack
    return await loader.call('load', {
      ...o,
      redisUrl: env.SEALCAST_REDIS_URL ?? '',
      secretsDir: join(home, 'secrets'),
      region: broker.signer.region,
      account: '000000000000',
      endpoint: endpoint.url,
    })
  }
  const side = (broker: BenchStack, name: string, topicArns: readonly string[]) =>
    brokerSide({ ...common, name, make: publishRequests(topicArns, broker.signer), url: broker.url, broker })

  const fewArns = await load(few, { topics: 1, subscriptionsEach: 1 })
  const began = performance.now()
  const manyArns = await load(much, size)
  const loadSeconds = (performance.now() - began) / 1000
  bench.progress(
    `loaded ${size.topics} topics × ${size.subscriptionsEach} subscriptions in ${loadSeconds.toFixed(1)} s`,
  )
  const compared = await alternate({
    baseline: side(few, 'one', fewArns),
    subject: side(much, 'many', manyArns),
    ...effortOf(bench, { rounds: 7, warmUps: 8 }),
    unit: 'requests',
    progress: bench.progress,
  })
  return {
    figures: [{ name: 'ratio', value: compared.ratio, unit: '×', better: 'higher', first: 0.9, aim: 0.98 }],
    measured: [compared.baseline, compared.subject],
    notes: [
      compared.warmUp,

      `Loaded through the catalog module. Unsealed topics, so that this is about the catalog and not about ${size.topics} data keys.`,
      `Each topic has one confirmed, raw subscription, so that both brokers deliver once a message; the other ${size.subscriptionsEach - 1} are pending.`,
      ...['gateway', 'worker', 'redis'].map((name) => memoryOf(name, compared.baseline, compared.subject)),
    ],
    problems: compared.problems,
  }
}

function memoryOf(name: string, one: Measured, other: Measured): string {
  const mebibytes = ({ rounds }: Measured) => {
    const bytes = rounds.at(-1)?.usages.find((usage) => usage.name === name)?.residentBytes ?? Number.NaN
    return Math.round(bytes / 2 ** 20)
  }
  return `Memory of ${name}: ${mebibytes(one)} MiB with one, ${mebibytes(other)} MiB with many.`
}
