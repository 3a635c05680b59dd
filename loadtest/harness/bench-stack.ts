/**
 * The broker as a row measures it: what `npm run up` starts, on free ports and in a data directory of its own,
 * with the counters that prove what a run did.
 */

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { ConfirmSubscriptionCommand, CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import { readPids, type Stack, startStack } from '../../services/test/start-stack.ts'
import type { Signer } from './prepare-requests.ts'

export interface BenchStack extends AsyncDisposable {
  readonly stack: Stack
  readonly sns: SNSClient
  readonly signer: Signer
  readonly url: string
  /** For `startMeter`: gateway, worker, redis and kms, several of a kind under one name. */
  pids(): (readonly [name: string, pid: number])[]
  createTopic(o: { name: string; sealed: boolean }): Promise<string>
  /** @param endpoint answers `takeToken` with the token of the confirmation that comes */
  subscribe(o: {
    topicArn: string
    endpoint: { url: string; takeToken(topicArn: string): Promise<string> }
    raw?: boolean
  }): Promise<void>
  /** Once nothing is under way any more: what a client gave up on is finished all the same. */
  counters(): Promise<Counters>
  /** Entries in the streams now; answers also while workers stand still. */
  backlog(): Promise<number>
  /** Of Redis now. */
  redis(): Promise<RedisState>
  /** Stops every worker in its tracks and lets it go on: what is published between waits in the streams. */
  pauseWorkers(): void
  resumeWorkers(): void
  /** Waits until no stream holds an entry. */
  settled(): Promise<void>
}

export interface Counters {
  /** Messages the gateways count as published. */
  readonly published: number
  /** Entries ever added to the partition streams, by Redis's own count; NaN before Redis 7. */
  readonly appended: number
  /** GenerateDataKey and Decrypt served, by the KMS's own count. */
  readonly kmsCalls: number
}

export interface RedisState {
  /** As `Counters.appended`. */
  readonly appended: number
  /** Entries in the partition streams. */
  readonly backlog: number
  /** What its allocator gave out for data and clients. */
  readonly usedMemoryBytes: number
}

const SETTLED_WITHIN_MS = 120_000
const POLL_MS = 50
const root = dirname(dirname(import.meta.dirname))

/** @param profileFolder every process then writes a profile of its processor time there when it ends */
export async function startBenchStack(o: {
  env?: Readonly<Record<string, string>>
  /** 1 unless told. */
  workers?: number
  profileFolder?: string | undefined
  /** See `startStack`. */
  ownGroup?: boolean
}): Promise<BenchStack> {
  if (o.profileFolder !== undefined) mkdirSync(o.profileFolder, { recursive: true })
  const profiling =
    o.profileFolder === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${o.profileFolder}` }
  const stack = await startStack({ env: { ...profiling, ...o.env }, ownGroup: o.ownGroup ?? false })
  const { region, credentials } = stack.clientConfig
  const sns = new SNSClient(stack.clientConfig)
  const kms = new KMSClient({ region, credentials, endpoint: stack.env.AWS_ENDPOINT_URL_KMS ?? '' })
  const url = stack.clientConfig.endpoint
  const redis = createRedisCli(stack)

  const counters = async (): Promise<Counters> => {
    const [text, { appended }] = await Promise.all([readMetrics(stack), readStreams(redis)])
    return {
      published: sumOf(text, 'sealcast_messages_published_total'),
      kmsCalls: sumOf(text, 'sealcast_kms_served_requests_total', /operation="(GenerateDataKey|Decrypt)"/),
      appended,
    }
  }

  const pids = () => [
    ...Object.entries(readPids(stack.home)).flatMap(([name, pid]) => {
      const kind = /^(gateway|delivery|redis|kms)/.exec(name)?.[1]
      return kind === undefined || pid === undefined ? [] : [[kind === 'delivery' ? 'worker' : kind, pid] as const]
    }),
    ...more.map((worker) => ['worker', worker.pid ?? 0] as const),
  ]
  const signalWorkers = (signal: NodeJS.Signals) => {
    for (const [name, pid] of pids()) if (name === 'worker') process.kill(pid, signal)
  }
  const more = await Promise.all(Array.from({ length: (o.workers ?? 1) - 1 }, () => startWorker(stack)))

  return {
    stack,
    sns,
    url,
    signer: { host: new URL(url).host, region, ...credentials },
    pids,
    async createTopic({ name, sealed }) {
      const key = sealed ? await kms.send(new CreateKeyCommand({})) : undefined
      const attributes = key === undefined ? {} : { Attributes: { KmsMasterKeyId: key.KeyMetadata?.KeyId ?? '' } }
      const { TopicArn: arn = '' } = await sns.send(new CreateTopicCommand({ Name: name, ...attributes }))
      return arn
    },
    async subscribe({ topicArn, endpoint, raw = false }) {
      const attributes = raw ? { Attributes: { RawMessageDelivery: 'true' } } : {}
      await sns.send(
        new SubscribeCommand({ TopicArn: topicArn, Protocol: 'http', Endpoint: endpoint.url, ...attributes }),
      )
      const token = await endpoint.takeToken(topicArn)
      await sns.send(new ConfirmSubscriptionCommand({ TopicArn: topicArn, Token: token }))
    },
    async counters() {
      for (let last = await counters(); ; ) {
        await sleep(POLL_MS)
        const now = await counters()
        if (now.published === last.published && now.appended === last.appended) return now
        last = now
      }
    },
    backlog: async () => (await readStreams(redis)).backlog,
    redis: () => readStreams(redis),
    pauseWorkers: () => signalWorkers('SIGSTOP'),
    resumeWorkers: () => signalWorkers('SIGCONT'),
    async settled() {
      const deadline = performance.now() + SETTLED_WITHIN_MS
      while ((await readStreams(redis)).backlog > 0) {
        if (performance.now() > deadline) throw new Error('The worker did not settle what was published')
        await sleep(POLL_MS)
      }
    },
    async [Symbol.asyncDispose]() {
      // A stopped process would not hear that it is to end.
      signalWorkers('SIGCONT')
      await Promise.all(more.map(stopWorker))
      sns.destroy()
      kms.destroy()
      await stack[Symbol.asyncDispose]()
    },
  }
}

/** One more worker, with the environment of the first; gone with us, as its IPC channel closes. */
async function startWorker(stack: Stack): Promise<ChildProcess> {
  const pid = stack.pidOf('delivery')
  const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  const pairs = environment.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])
  const worker = spawn(process.execPath, [join(root, 'services', 'delivery', 'main.ts')], {
    cwd: root,
    env: { ...Object.fromEntries(pairs), NODE_CHANNEL_FD: undefined, SEALCAST_METRICS_PORT: '0' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await Promise.race([
    once(worker, 'message'),
    once(worker, 'exit').then(() => {
      throw new Error('A worker did not start')
    }),
  ])
  return worker
}

async function stopWorker(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return
  const ended = once(worker, 'exit')
  worker.kill('SIGTERM')
  await ended
}

/** The certificate and key of the gateway, for servers that are compared with it. */
export function tlsFiles(stack: Stack): { certificateFile: string; keyFile: string } {
  return {
    certificateFile: join(stack.home, 'tls', 'gateway.crt.pem'),
    keyFile: join(stack.home, 'tls', 'gateway.key.pem'),
  }
}

/** What Redis did for the row's requests since the last question is read through redis-cli, so not through our code. */
type RedisCli = (...args: string[]) => Promise<string>

function createRedisCli(stack: Stack): RedisCli {
  const { port, password } = new URL(stack.env.SEALCAST_REDIS_URL ?? '')
  return async (...args) => {
    const { stdout } = await promisify(execFile)('redis-cli', ['-p', port, ...args], {
      env: { ...process.env, REDISCLI_AUTH: decodeURIComponent(password) },
      maxBuffer: 64 * 1024 * 1024,
    })
    return stdout.trimEnd()
  }
}

/** All streams in one script: this is asked while a row runs. */
const READ_STREAMS = `
  local partitions = tonumber(redis.call('HGET', 'sealcast:meta', 'partitions'))
  local added, length = 0, 0
  for n = 0, partitions - 1 do
    local key = 'sealcast:{p:' .. n .. '}:stream'
    if redis.call('EXISTS', key) == 1 then
      local info = redis.call('XINFO', 'STREAM', key)
      for at = 1, #info, 2 do
        if info[at] == 'entries-added' then added = added + info[at + 1] end
        if info[at] == 'length' then length = length + info[at + 1] end
      end
    end
  end
  local used = string.match(redis.call('INFO', 'memory'), 'used_memory:(%d+)')
  return added .. ' ' .. length .. ' ' .. used
`

async function readStreams(redis: RedisCli): Promise<RedisState> {
  const [appended = '', backlog = '', used = ''] = (await redis('EVAL', READ_STREAMS, '0')).split(' ')
  return { appended: Number(appended), backlog: Number(backlog), usedMemoryBytes: Number(used) }
}

async function readMetrics(stack: Stack): Promise<string> {
  const urls = (stack.env.SEALCAST_METRICS_URLS ?? '').split(',')
  return (await Promise.all(urls.map(async (url) => (await fetch(url)).text()))).join('\n')
}

function sumOf(text: string, name: string, labels = /^/): number {
  let sum = 0
  for (const [, set = '', value] of text.matchAll(new RegExp(`^${name}(?:\\{([^}]*)\\})? ([0-9.e+]+)$`, 'gm'))) {
    if (labels.test(set)) sum += Number(value)
  }
  return sum
}

/** The CA that signed the gateway's certificate. */
export function readCa(stack: Stack): string {
  return readFileSync(join(stack.home, 'ca.pem'), 'utf8')
}
