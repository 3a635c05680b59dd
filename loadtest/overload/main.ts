/**
 * `npm run overload`: a gateway with more publishers and more connections than it can serve.
 *
 * Progress on standard error, tables on standard output and in loadtest/results/overload.md. Three minutes.
 */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createTopic, snsClient } from '../../services/test/messaging.ts'
import { startStack } from '../../services/test/start-stack.ts'
import type { CrowdRequest } from './crowd-process.ts'
import { type PublisherOptions, type PublisherReport, percentile, runPublishers } from './run-publishers.ts'

const RESULTS = new URL('../results/overload.md', import.meta.url)
const CLOSED_LOOPS = [64, 512, 2_000, 5_000]
const IDLE = 10_000
const SLOW = 1_000
/** The gateway gives a request 30 s, and looks once a second. */
const TIMED_OUT_MS = 35_000

if (process.argv.includes('--help')) {
  process.stdout.write('Usage: npm run overload\n')
  process.exit()
}

const lines: string[] = []
const say = (line: string) => {
  lines.push(line)
  process.stderr.write(`${line}\n`)
}

await using stack = await startStack()
const sns = snsClient(stack)
const port = Number(new URL(stack.clientConfig.endpoint).port)
const shared = {
  port,
  ca: stack.ca,
  credentials: stack.clientConfig.credentials,
  topicArn: await createTopic(sns),
  bodyBytes: 1024,
  gatewayPid: stack.pidOf('gateway') ?? 0,
  seconds: 3,
}
sns.destroy()
const publishers = (o: Pick<PublisherOptions, 'connections' | 'messages' | 'backoff'> & Partial<PublisherOptions>) =>
  runPublishers({ ...shared, ...o })
const steady = () => publishers({ connections: 64, messages: 8_000, backoff: 'sdk', ratePerSecond: 1_000 })

say('# Overload')
say('')
say(
  `\`npm run overload\`: ${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.versions.node}. One gateway and all else on this machine, unsealed Publish of 1 KiB.`,
)
say('')
say('## Publishers that send again at once, refused or not')
say('')
say(
  '| connections | accepted/s | accepted a core-second of the gateway | refused/s | p50 / p99 / longest of the accepted | metrics page |',
)
say('|---|---|---|---|---|---|')
await publishers({ connections: 64, messages: 50_000, backoff: 'none' })
let peak = 0
for (const connections of CLOSED_LOOPS) {
  const page = watchMetricsPage()
  const report = await publishers({ connections, messages: 50_000, backoff: 'none' })
  peak = Math.max(peak, rateOf(report))
  say(
    `| ${connections} | ${rateOf(report)} | ${perCoreSecond(report)} | ${perSecond(report, report.refused)} | ${millis(report.sentMs)} | ${await page.stop()} |`,
  )
}
say('')
say('## Publishers that come at a rate, over 2,000 connections, with three attempts and the pauses of AWS SDKs')
say('')
say(
  '| of the peak | wanted/s | accepted/s | accepted a core-second | refused/s | succeeded | p50 / p99 / longest of an accepted attempt |',
)
say('|---|---|---|---|---|---|---|')
for (const times of [0.8, 1, 2, 5]) {
  const ratePerSecond = Math.round(peak * times)
  const messages = Math.ceil(ratePerSecond * shared.seconds * 1.2)
  const report = await publishers({ connections: 2_000, messages, backoff: 'sdk', ratePerSecond, attempts: 3 })
  // Those that wait for a connection at the end are the client's own queue.
  const decided = report.accepted + report.gaveUp
  say(
    `| ${times} × | ${ratePerSecond} | ${rateOf(report)} | ${perCoreSecond(report)} | ${perSecond(report, report.refused)} | ${percent(report.accepted / decided)} of ${decided} decided | ${millis(report.sentMs)} |`,
  )
}
await delay(2_000)
say('')
say(`## ${IDLE} idle TLS connections and ${SLOW} slow senders, beside 1,000 publishes a second`)
say('')
say('| | gateway memory | publishes: p50 / p99 / longest, failed |')
say('|---|---|---|')
const crowd = fork(fileURLToPath(new URL('./crowd-process.ts', import.meta.url)))
const tell = async (kind: CrowdRequest['kind'], count = 0): Promise<number> => {
  crowd.send({ kind, count, port, ca: stack.ca } satisfies CrowdRequest)
  const [open] = await once(crowd, 'message')
  return Number(open)
}
const row = async (what: string) => {
  const report = await steady()
  say(`| ${what} | ${gatewayMebibytes()} MiB | ${millis(report.acceptedMs)}, ${report.failed + report.gaveUp} |`)
}
await steady()
const before = gatewayMebibytes()
await row('nobody else')
await tell('idle', IDLE)
const withIdle = gatewayMebibytes()
await row(`${IDLE} idle`)
await tell('slow', SLOW)
const slowSince = performance.now()
await row(`${IDLE} idle and ${SLOW} slow`)
await delay(Math.max(0, TIMED_OUT_MS - (performance.now() - slowSince)))
const left = await tell('count')
await row(`the slow ones timed out, ${left} connections left`)
crowd.kill()
await once(crowd, 'exit')
await row('all gone')
say('')
say(`${Math.round(((withIdle - before) * 1024) / IDLE)} KiB of resident memory an idle connection.`)

const text = `${lines.join('\n')}\n`
process.stdout.write(text)
writeFileSync(RESULTS, text)

function rateOf(report: PublisherReport): number {
  return perSecond(report, report.accepted)
}

function perSecond({ seconds }: PublisherReport, count: number): number {
  return Math.round(count / seconds)
}

/** What the gateway does with the processor time it gets, whatever else the machine does. */
function perCoreSecond({ accepted, gatewayCpuSeconds }: PublisherReport): number {
  return Math.round(accepted / gatewayCpuSeconds)
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

function millis(values: readonly number[]): string {
  return `${[0.5, 0.99, 1].map((share) => Math.round(percentile(values, share))).join(' / ')} ms`
}

function gatewayMebibytes(): number {
  const status = readFileSync(`/proc/${stack.pidOf('gateway')}/status`, 'utf8')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024)
}

/** Asks for the gateway's metrics again and again. @returns how long the slowest took */
function watchMetricsPage(): { stop(): Promise<string> } {
  const [url = ''] = (stack.env.SEALCAST_METRICS_URLS ?? '').split(',')
  let isStopped = false
  let slowest = 0
  const asking = (async () => {
    while (!isStopped) {
      const startedAt = performance.now()
      await (await fetch(url)).text()
      slowest = Math.max(slowest, performance.now() - startedAt)
      await delay(200)
    }
  })()
  return {
    async stop() {
      isStopped = true
      await asking
      return `within ${Math.round(slowest)} ms`
    },
  }
}
