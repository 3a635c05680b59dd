/** KMS calls of steady publishers over the number that is promised: two per publisher, topic and period, with any number of workers. */

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ADMINISTRATOR_ACCESS, addPrincipal } from '#shared/principals'
import { startBenchStack } from '../harness/bench-stack.ts'
import { startEndpoint } from '../harness/endpoint.ts'
import { openPublisher, subscribedTopics } from './delivery-setup.ts'
import type { Bench, Row, RowResult } from './row.ts'

export const kmsCalls: Row = {
  name: 'kms-calls',
  what: 'KMS calls of steady publishers, 1 to 4 workers, one gateway',
  against: '2 × pairs × periods',
  run,
}

const TOPICS = 4
const PRINCIPALS = 3
/** Of each pair, so that a key is replaced soon after it may not be used any more. */
const PER_SECOND = 10
/** Above the time workers take to share the partitions out, and gateways to read a new principal. */
const BALANCED_MS = 5_000

async function run(bench: Bench): Promise<RowResult> {
  const pairs = TOPICS * PRINCIPALS
  const [periodSeconds, periods] = bench.quick ? [1, 2] : [2, 5]
  const ratios: number[] = []
  const notes: string[] = []
  const problems: string[] = []
  for (const workers of bench.quick ? [2] : [1, 2, 3, 4]) {
    const { calls, unheard } = await count({ workers, periodSeconds, periods, profileFolder: bench.profileFolder })
    const predicted = 2 * pairs * periods
    ratios.push(calls / predicted)
    const line = `${workers} workers: ${calls} calls, predicted 2 × ${pairs} × ${periods} = ${predicted}`
    bench.progress(line)
    notes.push(`${line}.`)
    problems.push(...unheard.map((problem) => `${workers} workers: ${problem}`))
  }
  return {
    figures: [
      { name: 'most', value: Math.max(...ratios), unit: '×', better: 'lower', first: 1, aim: 1 },
      { name: 'least', value: Math.min(...ratios), unit: '×', better: 'higher', first: 1, aim: 1 },
    ],
    measured: [],
    notes: [
      ...notes,
      `GenerateDataKey and Decrypt by the KMS's own count. Data keys used for ${periodSeconds} s, ${periods} periods, ${TOPICS} topics × ${PRINCIPALS} principals, ${PER_SECOND} messages a second each.`,
    ],
    problems,
  }
}

async function count(o: {
  workers: number
  periodSeconds: number
  periods: number
  profileFolder: string | undefined
}): Promise<{ calls: number; unheard: string[] }> {
  await using broker = await startBenchStack({
    env: { SEALCAST_DATA_KEY_REUSE_SECONDS: String(o.periodSeconds) },
    workers: o.workers,
    profileFolder: o.profileFolder,
  })
  await using endpoint = await startEndpoint()
  await using publisher = await openPublisher(broker)
  const file = join(broker.stack.home, 'principals.json')
  const signers = [broker.signer]
  while (signers.length < PRINCIPALS) {
    const principal = await addPrincipal(file, {
      arn: `arn:aws:iam::000000000000:user/publisher-${signers.length}`,
      policies: ADMINISTRATOR_ACCESS,
    })
    signers.push({ ...broker.signer, ...principal })
  }
  const topicArns = await subscribedTopics({ broker, endpoint, count: TOPICS })
  const lanes = topicArns.flatMap((topicArn) => signers.map((signer) => ({ topicArn, signer })))
  await sleep(BALANCED_MS)

  await endpoint.helper.call('reset', {})
  const before = await broker.counters()
  const { sent, failures } = await publisher.call('steady', {
    lanes,
    perSecond: lanes.length * PER_SECOND,
    seconds: o.periodSeconds * o.periods,
  })
  const arrived = await endpoint.helper.call('arrivals', { count: sent.length, timeoutMs: 20_000, withTimes: false })
  const after = await broker.counters()
  const unheard: string[] = []
  if (failures.length > 0) unheard.push(`${failures.length} publishes failed, the first with: ${failures[0]}`)
  if (arrived.distinct !== sent.length) unheard.push(`${sent.length} were published, ${arrived.distinct} came`)
  return { calls: after.kmsCalls - before.kmsCalls, unheard }
}
