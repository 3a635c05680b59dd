/**
 * `npm run memory`: what messages leave behind in each process and in Redis.
 *
 * A million messages to a subscriber that takes them, then a hundred thousand to one that is not there, which
 * then comes up: memory must follow what waits, never what went through. Progress on standard error, the page on
 * standard output and in loadtest/results/memory.md.
 */

import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { SetTopicAttributesCommand } from '@aws-sdk/client-sns'
import { openPublisher } from '../bench/delivery-setup.ts'
import { startBenchStack } from '../harness/bench-stack.ts'
import { startEndpoint } from '../harness/endpoint.ts'
import { describeMachine } from '../harness/machine.ts'
import { startMeter } from '../harness/process-usage.ts'

if (process.argv.includes('--help')) {
  process.stdout.write('Usage: npm run memory [-- --quick]\n')
  process.exit()
}
const quick = process.argv.includes('--quick')
const MESSAGES = quick ? 20_000 : 1_000_000
const STEPS = 5
const BACKLOG = quick ? 2_000 : 100_000
/** After a burst: collectors and allocators give memory back late. */
const REST_MS = 5_000

const root = join(import.meta.dirname, '..', '..')
const machine = await describeMachine(root)
await using broker = await startBenchStack({})
await using endpoint = await startEndpoint()
await using publisher = await openPublisher(broker)
const lines: string[] = []
const problems: string[] = []

const topicArn = await broker.createTopic({ name: 'taken', sealed: true })
await broker.subscribe({ topicArn, endpoint, raw: true })
await note('at the start')
const startedAt = performance.now()
for (let step = 1; step <= STEPS; step++) {
  await endpoint.helper.call('reset', {})
  const count = MESSAGES / STEPS
  const refused = await publisher.call('fill', { lanes: [{ topicArn, signer: broker.signer }], count })
  const { distinct } = await endpoint.helper.call('arrivals', { count, timeoutMs: 120_000, withTimes: false })
  await broker.settled()
  if (refused > 0 || distinct !== count) problems.push(`of ${count} messages ${refused} were refused, ${distinct} came`)
  await note(`after ${(step * count).toLocaleString('en')} messages`)
}
const perSecond = MESSAGES / ((performance.now() - startedAt) / 1000)

const deadArn = await broker.createTopic({ name: 'dead', sealed: true })
// Enough retries that those which are tried while it is dead are not given up: the count below is then exact.
const patient = { defaultHealthyRetryPolicy: { numRetries: 100, minDelayTarget: 20, maxDelayTarget: 20 } }
await broker.sns.send(
  new SetTopicAttributesCommand({
    TopicArn: deadArn,
    AttributeName: 'DeliveryPolicy',
    AttributeValue: JSON.stringify({ http: patient }),
  }),
)
await using dead = await startEndpoint()
await broker.subscribe({ topicArn: deadArn, endpoint: dead, raw: true })
const port = Number(new URL(dead.url).port)
await dead.helper.call('close', {})
const refused = await publisher.call('fill', { lanes: [{ topicArn: deadArn, signer: broker.signer }], count: BACKLOG })
await broker.settled()
if (refused > 0) problems.push(`${refused} messages to the dead endpoint were refused`)
await note(`with a backlog of ${BACKLOG.toLocaleString('en')} messages to a dead endpoint`)
await sleep(REST_MS)
await note(`${REST_MS / 1000} s later`)

await dead.helper.call('reopen', { port })
const backAt = performance.now()
const { distinct, deliveries } = await dead.helper.call('arrivals', {
  count: BACKLOG,
  timeoutMs: 300_000,
  withTimes: false,
})
const drainSeconds = (performance.now() - backAt) / 1000
if (distinct !== BACKLOG) problems.push(`of the backlog ${distinct} came once the endpoint was back`)
await sleep(REST_MS)
await note('after the endpoint came back and took them')

const page = `# Memory

\`npm run memory${quick ? ' -- --quick' : ''}\` at ${machine.commit}: ${machine.cores} × ${machine.cpu}, ${machine.os}, Node ${machine.node}, Redis ${machine.redis}; load ${machine.loadAverage.toFixed(2)} before.
One gateway, one worker; sealed messages of 1 KiB in batches of 10, raw delivery. Published and delivered at ${perSecond.toFixed(0)} messages/s.
Resident memory in MiB; Redis's own count of what it holds, and its keys.

| | gateway | worker | kms | redis | data in Redis | keys |
|---|---|---|---|---|---|---|
${lines.join('\n')}

The backlog was taken in ${drainSeconds.toFixed(1)} s once the endpoint was back (${(distinct / drainSeconds).toFixed(0)}/s), ${deliveries - distinct} of it twice.
${problems.map((problem) => `\nNot as it should be: ${problem}.\n`).join('')}`
process.stdout.write(page)
if (!quick) writeFileSync(join(root, 'loadtest', 'results', 'memory.md'), page)
process.exitCode = problems.length === 0 ? 0 : 1

async function note(when: string): Promise<void> {
  const usages = new Map(
    startMeter(broker.pids())
      .stop()
      .map(({ name, residentBytes }) => [name, residentBytes]),
  )
  const mebibytes = (bytes: number) => (bytes / 1024 / 1024).toFixed(0)
  const shown = ['gateway', 'worker', 'kms', 'redis'].map((name) => mebibytes(usages.get(name) ?? Number.NaN))
  const [, used] = /^used_memory:(\d+)/m.exec(await redisCli('INFO', 'memory')) ?? []
  const line = `| ${when} | ${shown.join(' | ')} | ${mebibytes(Number(used))} | ${(await redisCli('DBSIZE')).trim()} |`
  lines.push(line)
  process.stderr.write(`memory  ${line}\n`)
}

async function redisCli(...args: string[]): Promise<string> {
  const { port: redisPort, password } = new URL(broker.stack.env.SEALCAST_REDIS_URL ?? '')
  const env = { ...process.env, REDISCLI_AUTH: decodeURIComponent(password) }
  return (await promisify(execFile)('redis-cli', ['-p', redisPort, ...args], { env })).stdout
}
