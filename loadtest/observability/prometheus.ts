/**
 * A Prometheus of its own for one run: the committed configuration and rules, only faster, and with the run's processes as targets.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PROMETHEUS_FOLDER } from './check-rules.ts'
import { freePort } from './free-port.ts'
import { scaleRules } from './scale-rules.ts'

export type Job = 'sealcast-gateway' | 'sealcast-delivery' | 'sealcast-kms'

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Rule {
  readonly type: 'alerting' | 'recording'
  readonly name: string
  readonly query: string
  /** `err` when its last evaluation failed. */
  readonly health: string
  readonly lastError?: string
}

export interface Alert {
  readonly name: string
  readonly state: 'pending' | 'firing'
  /** When its expression began to hold, in epoch ms. */
  readonly activeAt: number
  readonly annotations: Readonly<Record<string, string>>
}

export interface Prometheus extends AsyncDisposable {
  /** @throws {Error} with what Prometheus says about the expression */
  query(expression: string): Promise<Sample[]>
  rules(): Promise<Rule[]>
  alerts(): Promise<Alert[]>
  /** Reads these too from now on. @param address host:port */
  addTarget(job: Job, address: string): void
  removeTarget(job: Job, address: string): void
}

const READY_WITHIN_MS = 30_000
const POLL_MS = 100

/** @param factor how much faster than committed; scrapes are a second apart */
export async function startPrometheus({
  factor,
  targets,
}: {
  factor: number
  targets: Readonly<Record<Job, readonly string[]>>
}): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), 'sealcast-prometheus-'))
  const known = new Map(Object.entries(targets).map(([job, addresses]) => [job, new Set(addresses)]))
  const writeTargets = (job: string) =>
    writeFileSync(join(folder, `${job}.json`), JSON.stringify([{ targets: [...(known.get(job) ?? [])] }]))
  for (const job of known.keys()) writeTargets(job)
  copyConfiguration(folder, factor)

  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      // A series that ended is still seen for so long.
      `--query.lookback-delta=${300 / factor}s`,
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString('utf8')}`.slice(-4096)
  })
  const ended = once(child, 'exit')
  const dispose = async () => {
    child.kill('SIGTERM')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
  const killed = () => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  process.on('exit', killed)
  try {
    await untilReady(`${url}/-/ready`, () => (child.exitCode === null ? undefined : said))
  } catch (error) {
    await dispose()
    throw error
  }

  const ask = async (path: string, parameters: Readonly<Record<string, string>> = {}) => {
    const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters)}`)
    const answer = (await response.json()) as { status: string; error?: string; data: unknown }
    if (answer.status !== 'success') throw new Error(answer.error ?? `status ${response.status}`)
    return answer.data
  }
  return {
    async query(expression) {
      return samplesOf((await ask('query', { query: expression })) as QueryData)
    },
    async rules() {
      const { groups } = (await ask('rules')) as { groups: { rules: Rule[] }[] }
      return groups.flatMap(({ rules }) => rules)
    },
    async alerts() {
      const { alerts } = (await ask('alerts')) as {
        alerts: (Pick<Alert, 'state' | 'annotations'> & { labels: { alertname: string }; activeAt: string })[]
      }
      return alerts.map(({ labels, activeAt, ...alert }) => {
        return { ...alert, name: labels.alertname, activeAt: Date.parse(activeAt) }
      })
    },
    addTarget(job, address) {
      known.get(job)?.add(address)
      writeTargets(job)
    },
    removeTarget(job, address) {
      known.get(job)?.delete(address)
      writeTargets(job)
    },
    async [Symbol.asyncDispose]() {
      process.removeListener('exit', killed)
      await dispose()
    },
  }
}

type QueryData =
  | { resultType: 'scalar'; result: [number, string] }
  | { resultType: 'vector'; result: { metric: Record<string, string>; value: [number, string] }[] }
  | { resultType: 'matrix'; result: { metric: Record<string, string>; values: [number, string][] }[] }

function samplesOf(data: QueryData): Sample[] {
  switch (data.resultType) {
    case 'scalar':
      return [{ labels: {}, value: Number(data.result[1]) }]
    case 'vector':
      return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
    case 'matrix':
      return data.result.map(({ metric, values }) => ({ labels: metric, value: Number(values.at(-1)?.[1]) }))
  }
}

/** What is committed, with the targets in files that are read again when they change. */
function copyConfiguration(folder: string, factor: number): void {
  mkdirSync(join(folder, 'rules'))
  cpSync(join(PROMETHEUS_FOLDER, 'prometheus.yml'), join(folder, 'committed.yml'))
  const committed = readFileSync(join(folder, 'committed.yml'), 'utf8')
  const jobs = [...committed.matchAll(/^ {2}- job_name: (\S+)$/gm)].map(([, job]) => job)
  const scrapes = jobs.map((job) => `  - {job_name: ${job}, file_sd_configs: [{files: ['${folder}/${job}.json']}]}`)
  writeFileSync(
    join(folder, 'prometheus.yml'),
    `${committed
      .slice(0, committed.indexOf('scrape_configs:'))
      .replace(/scrape_interval: \S+/, 'scrape_interval: 1s\n  scrape_timeout: 1s')
      .replace(/evaluation_interval: \S+/, 'evaluation_interval: 1s')}scrape_configs:\n${scrapes.join('\n')}\n`,
  )
  for (const file of globSync('rules/*.yml', { cwd: PROMETHEUS_FOLDER })) {
    writeFileSync(join(folder, file), scaleRules(readFileSync(join(PROMETHEUS_FOLDER, file), 'utf8'), factor))
  }
}

async function untilReady(url: string, failed: () => string | undefined): Promise<void> {
  for (const deadline = performance.now() + READY_WITHIN_MS; ; await sleep(POLL_MS)) {
    const why = failed()
    if (why !== undefined) throw new Error(`Prometheus ended: ${why}`)
    if ((await fetch(url).catch(() => undefined))?.ok) return
    if (performance.now() > deadline) throw new Error(`Prometheus was not ready within ${READY_WITHIN_MS} ms`)
  }
}
