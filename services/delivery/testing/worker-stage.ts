/**
 * What the worker's integration tests stand on: a real Redis, secrets, a TLS subscriber with a
 * private CA, and the worker as the process that runs in production.
 *
 * Entries are appended as the gateway appends them; nothing of the worker is replaced.
 */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Catalog, createCatalog, type Subscription, type Topic, topicArnOf } from '#shared/catalog'
import { createCertificateAuthority, issueServerCertificate } from '#shared/pki'
import { createRecordMac } from '#shared/record-mac'
import { closeRedis, openRedis, type Redis, whenReady } from '#shared/redis'
import { createMissingSecrets, readRecordSecrets } from '#shared/secrets'
import { createStreamAppender, type Entry, keys, openMeta, type StreamAppender } from '#shared/stream-log'
import { startTestRedis, type TestRedis } from '#shared/test-redis'

export const PARTITIONS = 2
const PUBLISHER = 'arn:aws:iam::000000000000:user/publisher'

export interface Received {
  path: string
  headers: IncomingHttpHeaders
  body: string
}

export interface TestWorker extends AsyncDisposable {
  readonly log: readonly Readonly<Record<string, unknown>>[]
  /** @returns exit code and signal */
  stop(): Promise<{ code: number | null; signal: NodeJS.Signals | null; ms: number }>
  kill(): Promise<void>
  /** Closes the supervisor's channel; resolves when the worker has ended of it. */
  disconnect(): Promise<void>
  pause(): void
  resume(): void
  /** Value of a series, by its name and labels as exposed; 0 when there is none. */
  metric(series: string): Promise<number>
}

export interface WorkerStage extends AsyncDisposable {
  readonly redis: TestRedis
  readonly client: Redis
  readonly catalog: Catalog
  readonly appender: StreamAppender
  readonly secretsDir: string
  readonly received: readonly Received[]
  /** Decides the subscriber's answers; 200 at once unless set. */
  answer(next: (request: Received, response: ServerResponse) => void): void
  createTopic(name: string, attributes?: Topic['attributes']): Promise<Topic>
  subscribe(topic: Topic, path: string, o?: Partial<Subscription>): Promise<Subscription>
  /** An entry that was never sealed, appended. */
  publish(topic: Topic, text: string, o?: Partial<Entry>): Promise<Entry>
  startWorker(env?: Readonly<Record<string, string>>): Promise<TestWorker>
  /** What is left of messages in Redis: stream entries, body records, retry jobs. */
  leftovers(): Promise<string[]>
  until(condition: () => boolean | Promise<boolean>): Promise<void>
  /** What Redis is told from now on, by whom; its scripts' own commands come from `lua`. */
  watchCommands(): Promise<AsyncDisposable & { readonly commands: readonly Command[] }>
}

export interface Command {
  readonly args: readonly string[]
  readonly source: string
}

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))

/** Longer than any orderly end takes; then the test fails for it. */
const END_DEADLINE_MS = 15_000

/** @param secretsDir one that exists; otherwise of its own */
export async function createWorkerStage(
  o: { secretsDir?: string; appendonly?: boolean; cluster?: boolean } = {},
): Promise<WorkerStage> {
  await using cleanup = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'sealcast-delivery-test-'))
  cleanup.defer(() => rm(dir, { recursive: true }))
  const secretsDir = o.secretsDir ?? join(dir, 'secrets')
  await createMissingSecrets(secretsDir, { now: Date.now() })
  const redis = cleanup.use(await startTestRedis({ appendonly: o.appendonly ?? false, cluster: o.cluster ?? false }))
  const client = openRedis({ url: redis.url, name: 'test' })
  cleanup.defer(() => closeRedis(client))
  await whenReady(client)
  const recordMac = createRecordMac(await readRecordSecrets(secretsDir))
  await openMeta({ redis: client, recordMac, partitions: PARTITIONS })
  const catalog = createCatalog({ redis: client, recordMac, onForged: () => undefined })
  const appender = createStreamAppender({ redis: client, recordMac, partitions: PARTITIONS })

  const authority = createCertificateAuthority({ commonName: 'Subscribers', now: Date.now() })
  const certified = issueServerCertificate({ authority, hosts: ['127.0.0.1'], now: Date.now() })
  const caFile = join(dir, 'ca.pem')
  await writeFile(caFile, authority.certificatePem)
  const received: Received[] = []
  let answer = (_request: Received, response: ServerResponse): void => void response.end()
  const subscriber = createServer(
    { cert: certified.certificatePem, key: certified.privateKeyPem },
    (request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk) => chunks.push(chunk))
      request.on('end', () => {
        const one = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString('utf8') }
        received.push(one)
        answer(one, response)
      })
    },
  )
  subscriber.listen(0, '127.0.0.1')
  await once(subscriber, 'listening')
  cleanup.defer(async () => {
    subscriber.closeAllConnections()
    await new Promise((resolve) => subscriber.close(resolve))
  })
  const { port } = subscriber.address() as AddressInfo
  const held = cleanup.move()

  return {
    redis,
    client,
    catalog,
    appender,
    secretsDir,
    received,
    answer(next) {
      answer = next
    },
    async createTopic(name, attributes = {}) {
      const arn = topicArnOf({ region: 'us-east-1', account: '000000000000', name })
      const topic = { arn, incarnation: randomBytes(16).toString('hex'), owner: '000000000000', createdAt: Date.now() }
      return (await catalog.createTopic({ ...topic, attributes })).topic
    },
    async subscribe(topic, path, more = {}) {
      const subscription: Subscription = {
        id: randomUUID(),
        topicArn: topic.arn,
        incarnation: topic.incarnation,
        protocol: 'https',
        endpoint: `https://127.0.0.1:${port}${path}`,
        owner: '000000000000',
        principal: PUBLISHER,
        state: 'confirmed',
        confirmationWasAuthenticated: false,
        createdAt: Date.now(),
        ...more,
      }
      assert.ok(await catalog.putSubscription(subscription, { expect: 'absent' }))
      return subscription
    },
    async publish(topic, text, more = {}) {
      const entry: Entry = {
        kind: 'message',
        topicArn: topic.arn,
        incarnation: topic.incarnation,
        messageId: randomUUID(),
        principal: PUBLISHER,
        acceptedAt: Date.now(),
        attributes: [],
        body: Buffer.from(text),
        ...more,
      }
      await appender.append(entry)
      return entry
    },
    startWorker: (env = {}) =>
      startWorker({
        PATH: process.env.PATH ?? '',
        SEALCAST_REDIS_URL: redis.url,
        SEALCAST_SECRETS_DIR: secretsDir,
        SEALCAST_PUBLIC_URL: 'https://broker.test:4443',
        SEALCAST_ENDPOINT_NETWORKS: 'loopback',
        SEALCAST_SUBSCRIBER_CA_FILE: caFile,
        SEALCAST_METRICS_PORT: '0',
        SEALCAST_PARTITIONS: String(PARTITIONS),
        SEALCAST_LEASE_MS: '600',
        SEALCAST_RETRY_SECOND_MS: '5',
        ...env,
      }),
    async leftovers() {
      const left: string[] = []
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const entries = await client.xlen(keys.streamKey(partition))
        if (entries > 0) left.push(`${entries} entries`)
      }
      for (const key of await client.keys('sealcast:*')) {
        const isJob =
          /:retry:[0-9a-f-]{73}(:lock)?$/.test(key) || /:retry:(wait|active|delayed|failed|completed|paused)$/.test(key)
        if (isJob || key.includes(':body:') || key.includes(':held') || key.endsWith(':quarantine')) left.push(key)
      }
      return left
    },
    async until(condition) {
      const deadline = Date.now() + 20_000
      while (!(await condition())) {
        assert.ok(Date.now() < deadline, 'the condition did not come true in time')
        await delay(10)
      }
    },
    async watchCommands() {
      const commands: Command[] = []
      const monitor = await client.monitor()
      monitor.on('monitor', (_time, args: string[], source: string) => void commands.push({ args, source }))
      return { commands, [Symbol.asyncDispose]: async () => monitor.disconnect() }
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

async function startWorker(env: Readonly<Record<string, string>>): Promise<TestWorker> {
  const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  const log: Record<string, unknown>[] = []
  const lines = createInterface({ input: child.stdout ?? process.stdin })
  const started = Promise.withResolvers<number>()
  lines.on('line', (text) => {
    const line = JSON.parse(text) as Record<string, unknown>
    log.push(line)
    if (line.event === 'delivery.ready') started.resolve(Number(line.metricsPort))
  })
  const isRunning = () => child.exitCode === null && child.signalCode === null
  const end = async (signal: NodeJS.Signals) => {
    if (!isRunning()) return
    const exited = once(child, 'exit', { signal: AbortSignal.timeout(END_DEADLINE_MS) })
    child.kill(signal)
    child.kill('SIGCONT')
    await exited
  }
  try {
    await ready(child)
  } catch (error) {
    await end('SIGKILL')
    throw error
  }
  return {
    log,
    async stop() {
      const startedAt = Date.now()
      await end('SIGTERM')
      return { code: child.exitCode, signal: child.signalCode, ms: Date.now() - startedAt }
    },
    kill: () => end('SIGKILL'),
    async disconnect() {
      const exited = once(child, 'exit', { signal: AbortSignal.timeout(END_DEADLINE_MS) })
      child.disconnect()
      await exited
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async metric(series) {
      const text = await (await fetch(`http://127.0.0.1:${await started.promise}/metrics`)).text()
      const line = text.split('\n').find((one) => one.startsWith(`${series} `))
      return line === undefined ? 0 : Number(line.slice(series.length + 1))
    },
    [Symbol.asyncDispose]: () => end('SIGKILL'),
  }
}

async function ready(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  child.once('message', () => resolve())
  child.once('exit', (code) => reject(new Error(`The worker ended with ${code} before it was ready`)))
  await promise
}

/** A PEM file of the secrets directory. */
export async function signingCertificate(secretsDir: string, certUrl: string): Promise<string> {
  const id = /SimpleNotificationService-([0-9a-f]{32})\.pem$/.exec(certUrl)?.[1]
  return readFile(join(secretsDir, 'signing', `${id}.cert.pem`), 'utf8')
}
