/**
 * A whole stack for an end-to-end test: `up` as a process, on free ports, in a data directory of its own.
 *
 * It ends with the test's process whatever happens, since `up` stops when its IPC channel closes.
 */

import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent } from 'node:https'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { until } from './until.ts'

export type ProcessName = 'gateway' | 'gateway-2' | 'delivery' | 'delivery-2' | 'kms' | 'redis'

export interface Stack extends AsyncDisposable {
  readonly home: string
  /** What `env` exports, for the run that is on. */
  readonly env: Readonly<Record<string, string>>
  /** Our CA, in PEM. */
  readonly ca: string
  /** For `new SNSClient(…)` and `new STSClient(…)`: endpoint, credentials, and trust in our CA. */
  readonly clientConfig: {
    readonly endpoint: string
    readonly region: string
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
    readonly requestHandler: {
      readonly httpsAgent: Agent
      readonly connectionTimeout: number
      readonly requestTimeout: number
    }
  }
  /** Of `up` itself. */
  readonly supervisorPid: number
  /** Everything `up` said so far. */
  output(): string
  pidOf(name: ProcessName): number | undefined
  signal(name: ProcessName, signal: NodeJS.Signals): void
  /** Kills a process and waits until the supervisor has another one that is ready. */
  killAndWaitForRestart(name: ProcessName): Promise<void>
  /** Stops `up` in order; the data stays. @returns its exit code, or the signal that ended it */
  stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>
  /** Another `up` on the same data. */
  start(): Promise<void>
}

const READY_WITHIN_MS = 60_000
const root = dirname(dirname(import.meta.dirname))

/**
 * @param o.env more SEALCAST_* variables
 * @param o.ownGroup Ctrl-C at a terminal does not reach the stack, so that whoever started it can end in order
 */
export async function startStack({
  env = {},
  ownGroup = false,
}: {
  env?: Readonly<Record<string, string>>
  ownGroup?: boolean
} = {}): Promise<Stack> {
  const home = await mkdtemp(join(tmpdir(), 'sealcast-stack-'))
  let run = await startUp(home, env, ownGroup)

  const pidOf = (name: ProcessName) => readPids(home)[name]
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    run.child.kill(signal)
    return await run.ended
  }
  return {
    home,
    get env() {
      return run.env
    },
    get ca() {
      return readFileSync(join(home, 'ca.pem'), 'utf8')
    },
    get clientConfig() {
      return run.clientConfig
    },
    get supervisorPid() {
      return run.child.pid ?? 0
    },
    output: () => run.output(),
    pidOf,
    signal(name, signal) {
      const pid = pidOf(name)
      if (pid === undefined) throw new Error(`${name} does not run`)
      process.kill(pid, signal)
    },
    async killAndWaitForRestart(name) {
      const pid = pidOf(name)
      const before = run.output().length
      if (pid === undefined) throw new Error(`${name} does not run`)
      process.kill(pid, 'SIGKILL')
      await until(`${name} runs again`, () => /runs again/.test(linesOf(name, run.output().slice(before))))
    },
    stop,
    async start() {
      run = await startUp(home, env, ownGroup)
    },
    async [Symbol.asyncDispose]() {
      await stop()
      run.clientConfig.requestHandler.httpsAgent.destroy()
      await rm(home, { recursive: true, force: true })
    },
  }
}

/** One that ended and that nobody has asked for yet counts as ended. */
export function isAlive(pid: number): boolean {
  try {
    return !execFileSync('ps', ['-o', 'state=', '-p', String(pid)], { encoding: 'utf8' })
      .trim()
      .startsWith('Z')
  } catch {
    return false // ps found none.
  }
}

/** What `up` keeps in run/pids.json. */
export function readPids(home: string): Partial<Record<string, number>> {
  try {
    const entries: [string, { pid: number }][] = Object.entries(
      JSON.parse(readFileSync(join(home, 'run', 'pids.json'), 'utf8')),
    )
    return Object.fromEntries(entries.map(([name, { pid }]) => [name, pid]))
  } catch {
    return {}
  }
}

async function startUp(home: string, env: Readonly<Record<string, string>>, ownGroup: boolean) {
  const child = spawn(process.execPath, [join(root, 'services', 'up', 'main.ts')], {
    cwd: root,
    env: { ...process.env, ...freePorts, SEALCAST_HOME: home, ...env },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    detached: ownGroup,
  })
  let text = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8')
  })
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? code ?? 1))
  })
  await waitForReady(child, ended, () => text)
  // `up` must have written it before it said so, and for nobody else's eyes.
  const file = join(home, 'env')
  if (!existsSync(file) || (statSync(file).mode & 0o777) !== 0o600) throw new Error('env is missing or open to others')
  const variables = await readEnv(file)
  const httpsAgent = new Agent({ keepAlive: true, ca: readFileSync(join(home, 'ca.pem'), 'utf8') })
  return {
    child,
    ended,
    output: () => text,
    env: variables,
    clientConfig: {
      endpoint: variables.AWS_ENDPOINT_URL_SNS ?? '',
      region: variables.AWS_REGION ?? '',
      credentials: {
        accessKeyId: variables.AWS_ACCESS_KEY_ID ?? '',
        secretAccessKey: variables.AWS_SECRET_ACCESS_KEY ?? '',
      },
      requestHandler: { httpsAgent, connectionTimeout: 2_000, requestTimeout: 20_000 },
    },
  }
}

const freePorts = {
  SEALCAST_GATEWAY_PORT: '0',
  SEALCAST_KMS_PORT: '0',
  SEALCAST_KMS_ADMIN_PORT: '0',
  SEALCAST_REDIS_PORT: '0',
  SEALCAST_METRICS_PORT: '0',
}

async function waitForReady(child: ChildProcess, ended: Promise<unknown>, output: () => string): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve())
      ended.then(() => reject(new Error(`up ended:\n${output()}`)))
      timer = setTimeout(() => {
        child.kill('SIGTERM')
        reject(new Error(`up was not ready in time:\n${output()}`))
      }, READY_WITHIN_MS)
    })
  } finally {
    // Left running it would stop the stack of a test that takes longer than a start may.
    clearTimeout(timer)
  }
}

/** A shell reads it, since it is a shell's file; and an empty environment shows what it sets alone. */
async function readEnv(file: string): Promise<Record<string, string>> {
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', '. "$0" && env -0', file], { env: {} })
  const pairs = stdout.split('\0').filter((pair) => pair.includes('='))
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
}

function linesOf(name: string, text: string): string {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name} `))
    .join('\n')
}
