/** From a publish to its notification at the subscriber, at a steady rate that no slow answer slows down. */

import { startBenchStack } from '../harness/bench-stack.ts'
import { startEndpoint } from '../harness/endpoint.ts'
import { startMeter } from '../harness/process-usage.ts'
import { type Bucket, histogram, percentile } from '../harness/statistics.ts'
import { openPublisher, subscribedTopics } from './delivery-setup.ts'
import type { Bench, Row, RowResult } from './row.ts'

export const latency: Row = {
  name: 'latency',
  what: 'publish → subscriber, 1 KiB, sealed, signed, 500/s',
  against: 'the clock',
  run,
}

const PER_SECOND = 500
/**
 * 15,000 messages. After some 10,000 the gateway's busiest functions are compiled once more: on a slow machine, which 500/s
 * kept 85 % busy, messages of those 0.4 s took up to 150 ms, and p99 fell from 52.8 ms to 28.3 with them in the warm-up.
 */
const WARM_UP_SECONDS = 30
const QUICK_WARM_UP_SECONDS = 3
/** A publisher that is late this often would not have kept the rate, so nothing would be known of it. */
const LAG_LIMIT_MS = 20

async function run(bench: Bench): Promise<RowResult> {
  await using broker = await startBenchStack({ profileFolder: bench.profileFolder })
  await using endpoint = await startEndpoint()
  await using publisher = await openPublisher(broker)
  const topicArns = await subscribedTopics({ broker, endpoint })
  const lanes = topicArns.map((topicArn) => ({ topicArn, signer: broker.signer }))
  const seconds = bench.quick ? 3 : 30
  const warmUpSeconds = bench.quick ? QUICK_WARM_UP_SECONDS : WARM_UP_SECONDS

  await publisher.call('steady', { lanes, perSecond: PER_SECOND, seconds: warmUpSeconds })
  await broker.settled()
  await endpoint.helper.call('reset', {})
  bench.progress(`${PER_SECOND}/s for ${seconds} s`)
  const meter = startMeter([...broker.pids(), ['publisher', publisher.pid], ['endpoint', endpoint.helper.pid]])
  const { sent, lagsMs, failures } = await publisher.call('steady', { lanes, perSecond: PER_SECOND, seconds })
  const usages = meter.stop()
  const arrived = await endpoint.helper.call('arrivals', { count: sent.length, timeoutMs: 20_000, withTimes: true })

  const arrivedAt = new Map(arrived.times)
  const delaysMs = sent.flatMap(([messageId, sentAt]) => {
    const at = arrivedAt.get(messageId)
    return at === undefined ? [] : [at - sentAt]
  })
  const problems: string[] = []
  if (failures.length > 0) problems.push(`${failures.length} publishes failed, the first with: ${failures[0]}`)
  if (delaysMs.length !== sent.length) problems.push(`${sent.length} were published, ${delaysMs.length} of them came`)
  if (arrived.deliveries !== arrived.distinct) problems.push(`${arrived.deliveries - arrived.distinct} came twice`)
  const lagMs = percentile(lagsMs, 0.99)
  if (lagMs > LAG_LIMIT_MS) problems.push(`the publisher was late itself: p99 ${lagMs.toFixed(1)} ms`)
  const rounds = [{ perSecond: delaysMs.length / seconds, usages, problems: [] }]
  return {
    figures: [
      { name: 'p50', value: percentile(delaysMs, 0.5), unit: 'ms', better: 'lower', first: 4, aim: 2 },
      { name: 'p99', value: percentile(delaysMs, 0.99), unit: 'ms', better: 'lower', first: 25, aim: 10 },
    ],
    measured: [{ name: 'publish → subscriber', unit: 'messages', perSecond: delaysMs.length / seconds, rounds }],
    notes: [
      `${sent.length} messages to ${topicArns.length} topics by the clock for ${seconds} s; from handing the request to the HTTP client to the notification's whole body at the subscriber.`,
      `The publisher itself was late by p50 ${percentile(lagsMs, 0.5).toFixed(2)}, p99 ${lagMs.toFixed(2)}, at most ${Math.max(...lagsMs).toFixed(1)} ms; p99.9 of all ${percentile(delaysMs, 0.999).toFixed(1)}, longest ${Math.max(...delaysMs).toFixed(1)} ms.`,
      ...describeHistogram(histogram(delaysMs, 0.25)),
    ],
    problems,
  }
}

function describeHistogram(buckets: readonly Bucket[]): string[] {
  const most = Math.max(...buckets.map(({ count }) => count))
  return buckets.map(
    ({ upTo, count }) =>
      `up to ${upTo.toString().padStart(5)} ms: ${count.toString().padStart(6)} ${'█'.repeat(Math.ceil((40 * count) / most))}`,
  )
}
