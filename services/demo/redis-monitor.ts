/**
 * Watches what Redis is given, through a redis-cli of its own (`MONITOR`): none of our code stands
 * between Redis and what is shown.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Environment } from '#shared/config'

/** One XADD as redis-cli printed it, binary escaped as \xNN. */
export interface ShownEntry {
  readonly stream: string
  readonly fields: ReadonlyMap<string, string>
}

export interface RedisMonitor extends AsyncDisposable {
  /** Every line so far, as printed. */
  readonly lines: readonly string[]
  /** Message entries so far, by message id. */
  entries(): ReadonlyMap<string, ShownEntry>
}

/** Resolves when redis-cli has answered OK: what is written from then on is seen. */
export async function watchRedis(url: string, env: Environment): Promise<RedisMonitor> {
  const { hostname, port, password, username } = new URL(url)
  const user = username === '' ? [] : ['--user', decodeURIComponent(username)]
  // The password goes by environment: arguments are open to every user of the machine.
  const child = spawn('redis-cli', ['-h', hostname, '-p', port || '6379', ...user, 'MONITOR'], {
    env: { ...env, ...(password === '' ? {} : { REDISCLI_AUTH: decodeURIComponent(password) }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => reject(new Error('Cannot watch Redis: redis-cli ended')))
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'OK') resolve()
      else lines.push(line)
    })
  })
  return {
    lines,
    entries: () => new Map(lines.flatMap(parseMessageEntry)),
    [Symbol.asyncDispose]: () => end(child),
  }
}

/** `1700000000.1 [0 127.0.0.1:5000] "XADD" "stream" "*" "field" "value" …` → its message id and fields. */
export function parseMessageEntry(line: string): [string, ShownEntry][] {
  const words = [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = '']) => word)
  const [command, stream = '', , ...pairs] = words
  if (command?.toUpperCase() !== 'XADD') return []
  const fields = new Map<string, string>()
  for (let at = 0; at + 1 < pairs.length; at += 2) fields.set(pairs[at] ?? '', pairs[at + 1] ?? '')
  const id = fields.get('id')
  return id === undefined ? [] : [[id, { stream, fields }]]
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill()
  await exited
}
