/**
 * Starts a real redis-server for one test and gives the means to stop, crash and freeze it.
 *
 * Each server has its own process or container, directory and loopback port, so that test files run side by side
 * and a crash test disturbs nobody. A watchdog shell kills the server when the test process dies in
 * any way: exit handlers do not run on SIGKILL, and a test runner that times out sends just that.
 */

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { startRedisProcess } from './redis-process.ts'
import type { Server } from './server.ts'

const runFile = promisify(execFile)

export interface TestRedis extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly dir: string
  /** Of the server started last. */
  readonly pid: number
  /** Shuts down in order and keeps the directory; does nothing when the server is down. */
  stop(): Promise<void>
  /** Starts again on the same port and directory, after `stop` or `kill`. */
  start(): Promise<void>
  /** SIGKILL. The process may take a moment to disappear; `start` and `stop` wait for that. */
  kill(): void
  /** SIGSTOP: what clients send is taken by the kernel and stays unanswered until `resume`. */
  pause(): void
  resume(): void
  /** @returns standard output without the last line end; rejects when Redis answers with an error */
  cli(...args: string[]): Promise<string>
}

/**
 * @param cluster cluster mode; the one server owns every slot
 * @param dir an existing directory to use and keep; a temporary one otherwise
 * @param appendonly AOF
 * @param fsync when the AOF is synced
 * @param replicaOf port of the server whose replica this one is; it is in step with it when this returns
 * @param port a free one unless given
 * @throws when redis-server is not installed, or its image not to be had, or it does not start
 */
export async function startTestRedis({
  cluster = false,
  dir,
  appendonly = false,
  fsync = 'everysec',
  replicaOf,
  port,
}: {
  cluster?: boolean
  dir?: string
  appendonly?: boolean
  fsync?: 'always' | 'everysec'
  replicaOf?: number
  port?: number
} = {}): Promise<TestRedis> {
  const home = dir ?? (await mkdtemp(join(tmpdir(), 'sealcast-test-redis-')))
  const removeHome = async () => {
    if (dir === undefined) await rm(home, { recursive: true, force: true })
  }
  const begin = async (onPort: number): Promise<Server> => {
    const args = await serverArguments({ port: onPort, dir: home, appendonly, fsync, cluster, replicaOf })
    const server = await startServer(args, home)
    watch(server, dir === undefined ? home : undefined)
    if (cluster) await takeAllSlots(onPort)
    if (replicaOf !== undefined) await untilInStep(onPort, replicaOf)
    return server
  }

  let listeningPort = port ?? (await freePort())
  let server: Server
  try {
    try {
      server = await begin(listeningPort)
    } catch (error) {
      if (port !== undefined) throw error
      // Somebody took the port between the probe and the start: once more with another.
      listeningPort = await freePort()
      server = await begin(listeningPort)
    }
  } catch (error) {
    await removeHome()
    throw error
  }

  const stop = async () => {
    server.signal('SIGCONT')
    server.signal('SIGTERM')
    await server.exited
  }
  return {
    url: `redis://127.0.0.1:${listeningPort}`,
    port: listeningPort,
    dir: home,
    get pid() {
      return server.pid
    },
    stop,
    async start() {
      await server.exited
      server = await begin(listeningPort)
    },
    kill: () => server.signal('SIGKILL'),
    pause: () => server.signal('SIGSTOP'),
    resume: () => server.signal('SIGCONT'),
    cli: (...args) => runCli(listeningPort, args),
    async [Symbol.asyncDispose]() {
      server.signal('SIGKILL')
      await server.exited
      await removeHome()
    },
  }
}

async function serverArguments(o: {
  port: number
  dir: string
  appendonly: boolean
  fsync: string
  cluster: boolean
  replicaOf: number | undefined
}): Promise<string[]> {
  const settings: Record<string, string> = {
    port: String(o.port),
    bind: '127.0.0.1',
    dir: o.dir,
    save: '',
    appendonly: o.appendonly ? 'yes' : 'no',
    appendfsync: o.fsync,
    // By default the first copy for a replica waits five seconds for a second one.
    'repl-diskless-sync-delay': '0',
    daemonize: 'no',
  }
  if (o.replicaOf !== undefined) settings.replicaof = `127.0.0.1 ${o.replicaOf}`
  if (o.cluster) {
    settings['cluster-enabled'] = 'yes'
    // By default the bus listens 10,000 above the port, which may be out of range or taken.
    settings['cluster-port'] = String(await freePort())
  }
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
}

/**
 * In a container where SEALCAST_TEST_REDIS says so, which the test runner decides once for all; testcontainers is loaded then
 * alone.
 */
async function startServer(args: readonly string[], home: string): Promise<Server> {
  if (process.env.SEALCAST_TEST_REDIS !== 'container') return await startRedisProcess(args)
  const { startRedisContainer } = await import('./redis-container.ts')
  return await startRedisContainer(args, home)
}

/**
 * The shell's standard input ends when this process does, however it ends; then the shell kills the
 * server and removes the directory that was made for it.
 */
function watch({ pid, exited }: Server, madeDir: string | undefined): void {
  const script = 'read line; kill -9 "$0"; if [ -n "$1" ]; then rm -rf "$1"; fi'
  const watchdog = spawn('sh', ['-c', script, String(pid), madeDir ?? ''], { stdio: ['pipe', 'ignore', 'ignore'] })
  watchdog.unref()
  // A server that is gone must not leave a watchdog that later kills a stranger with the same pid.
  void exited.then(() => watchdog.kill('SIGKILL'))
}

async function takeAllSlots(port: number): Promise<void> {
  const info = await runCli(port, ['cluster', 'info'])
  if (info.includes('cluster_slots_assigned:0')) await runCli(port, ['cluster', 'addslotsrange', '0', '16383'])
  // Redis tells nobody when it becomes writable, so this is the one place that asks again and again.
  while (!(await runCli(port, ['cluster', 'info'])).includes('cluster_state:ok')) await delay(50)
}

/** Redis tells nobody; and the primary counts a replica only once both sides know of each other. */
async function untilInStep(port: number, primaryPort: number): Promise<void> {
  for (;;) {
    const [own, primary] = await Promise.all([port, primaryPort].map((each) => runCli(each, ['info', 'replication'])))
    const isOnline = new RegExp(`^slave\\d+:.*port=${port},state=online`, 'm').test(primary ?? '')
    if (isOnline && own?.includes('master_link_status:up')) return
    await delay(20)
  }
}

async function runCli(port: number, args: readonly string[]): Promise<string> {
  const { stdout } = await runFile('redis-cli', ['-e', '-h', '127.0.0.1', '-p', String(port), ...args], {
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout.replace(/\n$/, '')
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('Cannot find a free port')
  return address.port
}
