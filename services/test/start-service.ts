/**
 * One more gateway or worker beside those of a stack, as a process with ports of its own: a gateway that can be
 * spoken to alone, and either one to be paused and resumed. It ends with the test's process.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Stack } from './start-stack.ts'

export interface StartedService extends AsyncDisposable {
  readonly pid: number
  /** Of a gateway, for `new SNSClient(…)`. */
  readonly clientConfig: Stack['clientConfig']
  /** Lines of its log so far, parsed. */
  readonly logged: readonly Readonly<Record<string, unknown>>[]
  signal(signal: NodeJS.Signals): void
}

const GRACE_MS = 3_000
const root = dirname(dirname(import.meta.dirname))

/** @param env more variables, which win */
export async function startService(
  stack: Stack,
  name: 'gateway' | 'delivery',
  env: Readonly<Record<string, string>> = {},
): Promise<StartedService> {
  const child = spawn(process.execPath, [join(root, 'services', name, 'main.ts')], {
    cwd: root,
    env: { PATH: process.env.PATH, ...environmentOf(stack), ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const logged: Record<string, unknown>[] = []
  const ended = once(child, 'exit')
  if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', (line) => logged.push(parseLine(line)))
  const ready = once(child, 'message').then(() => 'ready')
  if ((await Promise.race([ready, ended])) !== 'ready') {
    throw new Error(`${name} did not start: ${JSON.stringify(logged.at(-1))}`)
  }
  const port = await portOf(name, child, logged)
  return {
    pid: child.pid ?? 0,
    clientConfig: { ...stack.clientConfig, endpoint: `https://localhost:${port}` },
    logged,
    signal: (signal) => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill('SIGCONT')
      child.kill('SIGTERM')
      // As `up` does, sooner.
      const impatience = setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
      await ended
      clearTimeout(impatience)
    },
  }
}

function environmentOf({ home, env, clientConfig }: Stack): NodeJS.ProcessEnv {
  return {
    SEALCAST_GATEWAY_PORT: '0',
    SEALCAST_METRICS_PORT: '0',
    SEALCAST_PUBLIC_URL: clientConfig.endpoint,
    SEALCAST_REDIS_URL: env.SEALCAST_REDIS_URL,
    SEALCAST_KMS_ENDPOINT: env.AWS_ENDPOINT_URL_KMS,
    SEALCAST_SECRETS_DIR: join(home, 'secrets'),
    SEALCAST_PRINCIPALS_FILE: join(home, 'principals.json'),
    SEALCAST_TLS_CERT_FILE: join(home, 'tls', 'gateway.crt.pem'),
    SEALCAST_TLS_KEY_FILE: join(home, 'tls', 'gateway.key.pem'),
    SEALCAST_SUBSCRIBER_CA_FILE: join(home, 'ca.pem'),
    SEALCAST_ENDPOINT_NETWORKS: 'loopback',
  }
}

/** The log line may come after the message that says ready. */
async function portOf(name: string, child: ChildProcess, logged: readonly Record<string, unknown>[]): Promise<number> {
  if (name !== 'gateway') return 0
  for (;;) {
    const line = logged.find(({ event }) => event === 'gateway.ready')
    if (line !== undefined) return Number(line.port)
    if (child.stdout !== null) await once(child.stdout, 'data')
  }
}

function parseLine(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line)
  } catch {
    return { line }
  }
}
