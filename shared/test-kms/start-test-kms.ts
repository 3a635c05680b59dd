/**
 * Starts the real KMS as a process and gives the means to stop, crash and freeze it.
 *
 * A process rather than a function call: what is tested is the thing that runs, with its settings,
 * its files and its end. The KMS stops when its IPC channel closes, so that none is left behind.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ADMINISTRATOR_ACCESS, addPrincipal, type PolicyDocuments } from '#shared/principals'
import { type BrokerCredential, createMissingSecrets, readBrokerCredential } from '#shared/secrets'
import { createFaultControls, type FaultControls } from './fault-controls.ts'

export interface TestCredential {
  readonly arn: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

type LogLine = Readonly<Record<string, unknown>>

export interface TestKms extends AsyncDisposable {
  readonly endpoint: string
  readonly pid: number
  /** Holds `kms/`, `secrets/` and `principals.json`. */
  readonly dir: string
  /** Of the account 000000000000. */
  readonly user: TestCredential
  readonly broker: BrokerCredential
  /** Lines of the log so far, of all starts. */
  readonly log: readonly LogLine[]
  /**
   * Waits for what the log tells: it comes some time after the answers, in batches.
   *
   * @param find looks at the log as it is, and again with each line; undefined to wait on
   * @throws when it is not found within ten seconds
   */
  untilLogged<T>(find: (log: readonly LogLine[]) => T | undefined): Promise<T>
  /** @param policies by name; AdministratorAccess unless told otherwise */
  addUser(arn: string, policies?: PolicyDocuments): Promise<TestCredential>
  /** Of the process that runs now: a restarted one has no faults. */
  readonly faults: FaultControls
  served(): Promise<Readonly<Record<string, number>>>
  stop(): Promise<void>
  start(): Promise<void>
  kill(): Promise<void>
  pause(): void
  resume(): void
}

/** The process ended before it was ready. */
export class TestKmsStartError extends Error {
  /** The code of the error in its last log line. */
  readonly code: string

  constructor(code: string, text: string) {
    super(`The KMS did not start: ${text}`)
    this.code = code
  }
}

const MAIN = fileURLToPath(new URL('../../services/kms/main.ts', import.meta.url))

/** Longer than a line takes on a busy machine. */
const LOG_DEADLINE_MS = 10_000

/** Longer than an orderly end takes; then the test fails for it. */
const STOP_DEADLINE_MS = 10_000

/**
 * @param o.dir an existing directory to use and keep; a temporary one otherwise
 * @param o.env further settings of the process
 * @throws {TestKmsStartError}
 */
export async function startTestKms(o: { dir?: string; env?: Readonly<Record<string, string>> } = {}): Promise<TestKms> {
  await using cleanup = new AsyncDisposableStack()
  const dir = o.dir ?? (await mkdtemp(join(tmpdir(), 'sealcast-test-kms-')))
  if (o.dir === undefined) cleanup.defer(() => rm(dir, { recursive: true }))
  const secretsDir = join(dir, 'secrets')
  const principalsFile = join(dir, 'principals.json')
  await createMissingSecrets(secretsDir, { now: Date.now() })
  const broker = await readBrokerCredential(secretsDir)
  const user = await addPrincipal(principalsFile, {
    arn: `arn:aws:iam::000000000000:user/test-${Date.now()}`,
    policies: ADMINISTRATOR_ACCESS,
  })
  const env = {
    PATH: process.env.PATH ?? '',
    SEALCAST_KMS_DIR: join(dir, 'kms'),
    SEALCAST_SECRETS_DIR: secretsDir,
    SEALCAST_PRINCIPALS_FILE: principalsFile,
    SEALCAST_KMS_PORT: '0',
    SEALCAST_METRICS_PORT: '0',
    SEALCAST_KMS_ADMIN_PORT: '0',
    ...o.env,
  }
  const log: LogLine[] = []
  const logged = new EventEmitter<{ line: [] }>()
  const onLine = (line: LogLine) => {
    log.push(line)
    logged.emit('line')
  }
  const untilLogged: TestKms['untilLogged'] = async (find) => {
    const signal = AbortSignal.timeout(LOG_DEADLINE_MS)
    for (;;) {
      const found = find(log)
      if (found !== undefined) return found
      await once(logged, 'line', { signal })
    }
  }
  let running = await spawnKms(env, onLine)
  const isRunning = () => running.child.exitCode === null && running.child.signalCode === null
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (!isRunning()) return
    const exited = once(running.child, 'exit', { signal: AbortSignal.timeout(STOP_DEADLINE_MS) })
    running.child.kill(signal)
    // A stopped process takes no SIGTERM.
    running.child.kill('SIGCONT')
    await exited
  }
  cleanup.defer(() => end('SIGKILL'))
  const held = cleanup.move()

  return {
    get endpoint() {
      return `http://127.0.0.1:${running.port}`
    },
    get pid() {
      return running.child.pid ?? 0
    },
    dir,
    user,
    broker,
    log,
    untilLogged,
    async addUser(arn, policies = ADMINISTRATOR_ACCESS) {
      const isReload = ({ event }: LogLine) => event === 'principals.reloaded'
      const reloads = log.filter(isReload).length
      const added = await addPrincipal(principalsFile, { arn, policies })
      await untilLogged((lines) => lines.filter(isReload).at(reloads))
      return added
    },
    get faults() {
      return createFaultControls(`http://127.0.0.1:${running.adminPort}`)
    },
    async served() {
      const text = await (await fetch(`http://127.0.0.1:${running.metricsPort}/metrics`)).text()
      const series = text.matchAll(
        /^sealcast_kms_served_requests_total\{operation="(\w+)",outcome="([\w-]+)"\} (\d+)$/gm,
      )
      return Object.fromEntries(
        Array.from(series, ([, operation, outcome, n]) => [`${operation} ${outcome}`, Number(n)]),
      )
    },
    stop: () => end('SIGTERM'),
    async start() {
      if (isRunning()) throw new Error('Cannot start the KMS: it is running')
      // The same port, as clients have it; of its own choice only at first.
      running = await spawnKms({ ...env, SEALCAST_KMS_PORT: String(running.port) }, onLine)
    },
    kill: () => end('SIGKILL'),
    pause: () => void running.child.kill('SIGSTOP'),
    resume: () => void running.child.kill('SIGCONT'),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

interface RunningKms {
  child: ChildProcess
  port: number
  metricsPort: number
  adminPort: number
}

async function spawnKms(env: Readonly<Record<string, string>>, onLine: (line: LogLine) => void): Promise<RunningKms> {
  const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  const own: LogLine[] = []
  const started = new Promise<LogLine>((resolve) => {
    createInterface({ input: child.stdout ?? process.stdin }).on('line', (text) => {
      const line = JSON.parse(text) as LogLine
      own.push(line)
      onLine(line)
      if (line.event === 'kms.started') resolve(line)
    })
  })
  const ready = once(child, 'message')
  const ended = once(child, 'close').then(() => {
    const { code, message } = Object(own.at(-1)?.error)
    throw new TestKmsStartError(String(code), String(message))
  })
  // Ends later than this too, when nobody waits for it any more.
  ended.catch(() => undefined)
  const [line] = await Promise.race([Promise.all([started, ready]), ended])
  return { child, port: Number(line.port), metricsPort: Number(line.metricsPort), adminPort: Number(line.adminPort) }
}
