/** Raw delivery over HTTP, with everything a delivery does, against posting the same bodies in a bare loop. */

import { startBenchStack } from '../harness/bench-stack.ts'
import { DRAIN_ENV, drainSide } from '../harness/drain-side.ts'
import { startEndpoint } from '../harness/endpoint.ts'
import { startHelper } from '../harness/helper.ts'
import { startMeter } from '../harness/process-usage.ts'
import { alternate, type Side } from '../harness/rounds.ts'
import type { PostLoop } from '../processes/post-loop.ts'
import { openPublisher, subscribedTopics } from './delivery-setup.ts'
import { type Bench, effortOf, type Row, type RowResult } from './row.ts'
import { withTwoWorkers } from './scaled-out.ts'

export const rawDelivery: Row = {
  name: 'raw',
  what: 'raw HTTP delivery of 1 KiB: claim, open, POST, log line, settle',
  against: 'bare undici POST loop',
  run,
}

/** Those of the worker to one origin. */
const CONNECTIONS = 128
const WARM_UPS = 3

async function run(bench: Bench): Promise<RowResult> {
  await using broker = await startBenchStack({ env: DRAIN_ENV, profileFolder: bench.profileFolder })
  await using endpoint = await startEndpoint()
  await using publisher = await openPublisher(broker)
  await using loop = await startHelper<PostLoop>('post-loop')
  const topicArns = await subscribedTopics({ broker, endpoint, raw: true })
  const messages = bench.quick ? 2_000 : 20_000

  const posting = (name: string, run: 'run' | 'runRequests'): Side => ({
    name,
    async run() {
      await endpoint.helper.call('reset', {})
      const meter = startMeter([
        ['loop', loop.pid],
        ['endpoint', endpoint.helper.pid],
      ])
      const failed = await loop.call(run, {
        url: endpoint.url,
        count: messages,
        connections: CONNECTIONS,
        headers: rawHeaders(topicArns[0] ?? ''),
      })
      const usages = meter.stop()
      const arrived = await endpoint.helper.call('arrivals', { count: messages, timeoutMs: 5_000, withTimes: false })
      const problems = failed > 0 ? [`${failed} posts failed`] : []
      if (arrived.distinct !== messages) problems.push(`${messages} messages were posted, ${arrived.distinct} came`)
      return { perSecond: arrived.distinct / arrived.seconds, usages, problems }
    },
  })
  const baseline = posting('bare POST loop', 'run')
  const compared = await alternate({
    baseline,
    subject: drainSide({ name: 'raw delivery', broker, endpoint, publisher, topicArns, messages, raw: true }),
    ...effortOf(bench, { rounds: 3, warmUps: WARM_UPS }),
    unit: 'deliveries',
    progress: bench.progress,
  })
  const scaledOut = await withTwoWorkers({ bench, baseline, unit: 'deliveries', endpoint, messages, raw: true })
  const requests = posting('request() loop', 'runRequests')
  for (let warmUp = 0; warmUp < WARM_UPS; warmUp++) await requests.run(0)
  const { perSecond } = await requests.run(1)
  return {
    figures: [{ name: 'ratio', value: compared.ratio, unit: '×', better: 'higher', first: 0.45, aim: 0.7 }],
    measured: [compared.baseline, compared.subject],
    notes: [
      compared.warmUp,
      `${messages} messages a round, published to ${topicArns.length} sealed topics while the worker stands still; timed at the endpoint from first to last.`,
      `Both sides: the same endpoint process, at most ${CONNECTIONS} connections, bodies of 1 KiB.`,
      `A loop of undici's request() made ${Math.round(perSecond)} posts/s in one round; against that the ratio is ${(compared.subject.perSecond / perSecond).toFixed(2)}.`,
      ...scaledOut.notes,
    ],
    problems: [...compared.problems, ...scaledOut.problems],
  }
}

/** As a raw delivery has them. */
function rawHeaders(topicArn: string): Record<string, string> {
  return {
    'x-amz-sns-message-type': 'Notification',
    'x-amz-sns-topic-arn': topicArn,
    'x-amz-sns-subscription-arn': `${topicArn}:c9135db0-26c4-47ec-8998-413945fb5a96`,
    'x-amz-sns-rawdelivery': 'true',
    'content-type': 'text/plain; charset=UTF-8',
    'user-agent': 'Amazon Simple Notification Service Agent',
  }
}
