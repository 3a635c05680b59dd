/** A delivery worker of its own, outside `up`, whose Redis is a port of ours. */

import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { Stack } from './start-stack.ts'

export interface ProxiedWorker {
  /** Resolves when it says so; rejects when it ends before. */
  readonly ready: Promise<void>
  /** Resolves when it has ended, however. */
  readonly ended: Promise<void>
  kill(): void
}

const READY_WITHIN_MS = 60_000
const root = join(import.meta.dirname, '..', '..')

export function startProxiedWorker(
  stack: Stack,
  { redisPort, env }: { redisPort: number; env: Readonly<Record<string, string>> },
): ProxiedWorker {
  const redisUrl = new URL(stack.env.SEALCAST_REDIS_URL ?? '')
  redisUrl.port = String(redisPort)
  const log = openSync(join(stack.home, 'logs', 'proxied-worker.log'), 'a')
  const child = spawn(process.execPath, [join(root, 'services', 'delivery', 'main.ts')], {
    env: {
      PATH: process.env.PATH,
      SEALCAST_REDIS_URL: redisUrl.href,
      SEALCAST_SECRETS_DIR: join(stack.home, 'secrets'),
      SEALCAST_KMS_ENDPOINT: stack.env.AWS_ENDPOINT_URL_KMS,
      SEALCAST_PUBLIC_URL: stack.clientConfig.endpoint,
      SEALCAST_SUBSCRIBER_CA_FILE: join(stack.home, 'ca.pem'),
      SEALCAST_ENDPOINT_NETWORKS: 'loopback',
      SEALCAST_METRICS_PORT: '0',
      ...env,
    },
    // Its end of the channel closes with this process, and then it stops.
    stdio: ['ignore', log, log, 'ipc'],
  })
  closeSync(log)
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const ready = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('The worker was not ready in time')), READY_WITHIN_MS)
    child.once('message', () => resolve())
    child.once('exit', () => reject(new Error('The worker ended before it was ready')))
    for (const event of ['message', 'exit']) child.once(event, () => clearTimeout(timer))
  })
  // One that is to die while it starts is not asked.
  ready.catch(() => undefined)
  return { ready, ended, kill: () => void child.kill('SIGKILL') }
}
