/**
 * The stack's own redis-server: its password, its configuration and when it answers.
 *
 * Loopback only and with a random password, since other users of the machine reach loopback too.
 * Durability is the AOF's alone; without save points nothing is lost by leaving snapshots out. noeviction:
 * what was acknowledged is never thrown away to make room.
 */

import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type DataDirectory, replaceFile } from './data-directory.ts'
import { askRedis } from './redis-control.ts'

/** Writing and syncing the rest of a large AOF on a slow disk may take this long. */
export const REDIS_GRACE_MS = 30_000

const HOST = '127.0.0.1'
const POLL_MS = 20

export interface PrivateRedis {
  readonly url: string
  /** Resolves when it takes commands; loading a large AOF may take its time. */
  whenReady(signal: AbortSignal): Promise<void>
}

/** Reads or makes the password; the same one for the life of the data directory. */
export function readRedisPassword(directory: DataDirectory): string {
  if (!existsSync(directory.redisPassword)) replaceFile(directory.redisPassword, randomBytes(32).toString('base64url'))
  return readFileSync(directory.redisPassword, 'utf8').trim()
}

/**
 * Whether a URL names this directory's own Redis, as a sourced `env` does. By the password, which is
 * random: the port may have changed since.
 */
export function isPrivateRedisUrl(url: string, password: string): boolean {
  const parsed = URL.parse(url)
  return parsed !== null && ['127.0.0.1', 'localhost'].includes(parsed.hostname) && parsed.password === password
}

/** Writes the configuration file. The password stands there rather than in the arguments, which anybody may list. */
export function preparePrivateRedis(
  directory: DataDirectory,
  { port, password }: { port: number; password: string },
): PrivateRedis {
  const settings: readonly (readonly [name: string, value: string])[] = [
    ['bind', HOST],
    ['port', String(port)],
    ['protected-mode', 'yes'],
    ['requirepass', password],
    ['dir', directory.redis],
    ['appendonly', 'yes'],
    ['appendfsync', 'everysec'],
    ['save', ''],
    ['maxmemory-policy', 'noeviction'],
    ['daemonize', 'no'],
    // To standard output, which is logs/redis.log.
    ['logfile', ''],
  ]
  const lines = settings.map(([name, value]) => `${name} ${quoteForRedis(value)}`)
  replaceFile(directory.redisConfig, `# Written by \`npm run up\` at each start.\n${lines.join('\n')}\n`)
  return {
    url: `redis://:${password}@${HOST}:${port}`,
    async whenReady(signal) {
      while (!signal.aborted) {
        const reply = await askRedis({ host: HOST, port, password, command: 'PING' })
        if (reply === '+PONG') return
        await sleep(POLL_MS, undefined, { signal })
      }
      signal.throwIfAborted()
    },
  }
}

/**
 * Stops a server with our password that no pid file knows of, before a second one opens the same AOF.
 *
 * @returns whether there was one
 */
export async function stopStrayRedis(directory: DataDirectory, password: string): Promise<boolean> {
  if (!existsSync(directory.redisConfig)) return false
  const port = Number(/^port "(\d+)"$/m.exec(readFileSync(directory.redisConfig, 'utf8'))?.[1] ?? 0)
  if (port === 0) return false
  const target = { host: HOST, port, password }
  if ((await askRedis({ ...target, command: 'PING' })) !== '+PONG') return false
  await askRedis({ ...target, command: 'SHUTDOWN', timeoutMs: REDIS_GRACE_MS })
  return true
}

function quoteForRedis(value: string): string {
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}
