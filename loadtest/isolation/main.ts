/**
 * `npm run isolation`: what a healthy subscriber of a topic notices of four bad ones beside it.
 *
 * The healthy one alone first, then with a hanging, a resetting, a 500-answering and a one-a-second
 * subscriber on the same topic, at the same rate: the second p99 may be at most twice the first. Progress on
 * standard error, the page on standard output and in loadtest/results/isolation.md.
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openPublisher } from '../bench/delivery-setup.ts'
import { type BenchStack, startBenchStack } from '../harness/bench-stack.ts'
import { type BenchEndpoint, startEndpoint } from '../harness/endpoint.ts'
import { type Helper, startHelper } from '../harness/helper.ts'
import { describeMachine } from '../harness/machine.ts'
import { startMeter } from '../harness/process-usage.ts'
import { percentile } from '../harness/statistics.ts'
import type { BadEndpoints, Manner } from '../processes/bad-endpoints.ts'
import type { Publisher } from '../processes/publisher.ts'

const MANNERS: readonly Manner[] = ['hanging', 'resetting', 'failing', 'one a second']
const PER_SECOND = 200
const WARM_UP_SECONDS = 5
/** The healthy one's p99 beside bad ones may be so many times its p99 alone. */
const ALLOWED_RATIO = 2

const quick = process.argv.includes('--quick')
if (process.argv.includes('--help')) {
  process.stdout.write('Usage: npm run isolation [-- --quick]\n')
  process.exit()
}
const seconds = quick ? 5 : 55

const root = join(import.meta.dirname, '..', '..')
const machine = await describeMachine(root)
await using broker = await startBenchStack({})
await using endpoint = await startEndpoint()
await using publisher = await openPublisher(broker)
await using bad = await startHelper<BadEndpoints>('bad-endpoints')
const topicArn = await broker.createTopic({ name: 'isolation', sealed: true })
await broker.subscribe({ topicArn, endpoint })

const alone = await measure('alone', { broker, endpoint, publisher })
const ports = new Map<Manner, number>()
for (const manner of MANNERS) {
  const port = await bad.call('listen', { manner })
  ports.set(manner, port)
  const takeToken = () => bad.call('takeToken', { port })
  await broker.subscribe({ topicArn, endpoint: { url: `http://127.0.0.1:${port}/`, takeToken } })
}
const beside = await measure('beside four bad ones', { broker, endpoint, publisher })
const received: string[] = []
for (const [manner, port] of ports) received.push(`${manner} ${await bad.call('received', { port })}`)

const ratio = beside.p99 / alone.p99
const problems = [...alone.problems, ...beside.problems]
if (ratio > ALLOWED_RATIO) problems.push(`p99 is ${ratio.toFixed(2)} times as long`)
const page = `# Isolation

\`npm run isolation${quick ? ' -- --quick' : ''}\` at ${machine.commit}: ${machine.cores} × ${machine.cpu}, ${machine.os}, Node ${machine.node}, Redis ${machine.redis}; load ${machine.loadAverage.toFixed(2)} before.
One gateway, one worker; sealed messages of 1 KiB, signed notifications, ${PER_SECOND}/s by the clock for ${seconds} s after ${WARM_UP_SECONDS} s to warm up.
Times are from handing the request to the publisher's HTTP client to the whole notification at the healthy subscriber.

| the healthy subscriber | deliveries | p50 ms | p99 ms | p99.9 ms | longest ms | worker cores |
|---|---|---|---|---|---|---|
${[alone, beside].map(row).join('\n')}

p99 beside the bad ones is ${ratio.toFixed(2)} times that alone; ${ALLOWED_RATIO} is allowed.
Attempts at the bad ones meanwhile, warm-up included: ${received.join(', ')}; of ${beside.deliveries + WARM_UP_SECONDS * PER_SECOND} messages each, the others wait in their backlogs or for their next attempt.
${problems.map((problem) => `\nNot as it should be: ${problem}.\n`).join('')}`
process.stdout.write(page)
if (!quick) writeFileSync(join(root, 'loadtest', 'results', 'isolation.md'), page)
process.exitCode = problems.length === 0 ? 0 : 1

interface Measured {
  readonly name: string
  readonly deliveries: number
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly longest: number
  readonly workerCores: number
  readonly problems: readonly string[]
}

async function measure(
  name: string,
  o: { broker: BenchStack; endpoint: BenchEndpoint; publisher: Helper<Publisher> },
): Promise<Measured> {
  process.stderr.write(`isolation  ${name}: ${PER_SECOND}/s for ${WARM_UP_SECONDS} + ${seconds} s\n`)
  const lanes = [{ topicArn, signer: o.broker.signer }]
  await o.publisher.call('steady', { lanes, perSecond: PER_SECOND, seconds: WARM_UP_SECONDS })
  await o.broker.settled()
  await o.endpoint.helper.call('reset', {})
  const meter = startMeter(o.broker.pids())
  const { sent, failures } = await o.publisher.call('steady', { lanes, perSecond: PER_SECOND, seconds })
  const worker = meter.stop().find((usage) => usage.name === 'worker')
  const { times } = await o.endpoint.helper.call('arrivals', { count: sent.length, timeoutMs: 20_000, withTimes: true })
  const arrivedAt = new Map(times)
  const delaysMs = sent.flatMap(([messageId, sentAt]) => {
    const at = arrivedAt.get(messageId)
    return at === undefined ? [] : [at - sentAt]
  })
  const problems: string[] = []
  if (failures.length > 0) problems.push(`${name}: ${failures.length} publishes failed, the first with ${failures[0]}`)
  if (delaysMs.length < sent.length) problems.push(`${name}: ${sent.length - delaysMs.length} messages did not come`)
  return {
    name,
    deliveries: delaysMs.length,
    p50: percentile(delaysMs, 0.5),
    p99: percentile(delaysMs, 0.99),
    p999: percentile(delaysMs, 0.999),
    longest: Math.max(...delaysMs),
    workerCores: worker?.cores ?? Number.NaN,
    problems,
  }
}

function row({ name, deliveries, p50, p99, p999, longest, workerCores }: Measured): string {
  const ms = [p50, p99, p999, longest].map((value) => value.toFixed(2)).join(' | ')
  return `| ${name} | ${deliveries} | ${ms} | ${workerCores.toFixed(2)} |`
}
