/**
 * What is looked at: two gateways, two workers and the local KMS, under a steady load of eight pairs of topic and publisher, with data
 * keys that live as much shorter as the rules go faster.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import type { KMSClient } from '@aws-sdk/client-kms'
import { type Cast, castPublishers, untilBalanced } from '../../services/test/cast-publishers.ts'
import { kmsClient } from '../../services/test/messaging.ts'
import { type RedisAttacker, startRedisAttacker } from '../../services/test/redis-attacker.ts'
import { type Stack, startStack } from '../../services/test/start-stack.ts'
import { type Job, type Prometheus, startPrometheus } from './prometheus.ts'
import { SPEED } from './speed.ts'

export interface Stage extends AsyncDisposable {
  readonly stack: Stack
  readonly prometheus: Prometheus
  readonly cast: Cast
  readonly kms: KMSClient
  readonly attacker: RedisAttacker
  /** Replaces or adds to what the local KMS does wrong; without a plan it does nothing wrong. */
  kmsFaults(method: 'PUT' | 'POST' | 'DELETE', plan?: object): Promise<void>
}

const WORKERS = 2
/** Each time a message of each pair, twice: enough connections to meet both gateways in every reuse period. */
const LOAD_EVERY_MS = 500

export async function startStage(): Promise<Stage> {
  await using undo = new AsyncDisposableStack()
  const stack = undo.use(
    await startStack({
      env: {
        SEALCAST_GATEWAYS: '2',
        SEALCAST_WORKERS: String(WORKERS),
        SEALCAST_DATA_KEY_REUSE_SECONDS: String(300 / SPEED),
        SEALCAST_KEY_PROBE_MS: String(30_000 / SPEED),
        SEALCAST_RETRY_SECOND_MS: '50',
        SEALCAST_ENDPOINT_NETWORKS: 'loopback',
      },
    }),
  )
  const prometheus = undo.use(await startPrometheus({ factor: SPEED, targets: await targetsOf(stack) }))
  await untilBalanced(stack, WORKERS)
  const cast = undo.use(await castPublishers(stack))
  const kms = kmsClient(stack)
  undo.defer(() => kms.destroy())
  const attacker = undo.use(await startRedisAttacker(stack))
  undo.use(startLoad(cast))
  const disposables = undo.move()
  return {
    stack,
    prometheus,
    cast,
    kms,
    attacker,
    async kmsFaults(method, plan) {
      const body =
        plan === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(plan) }
      const response = await fetch(`${stack.env.SEALCAST_KMS_ADMIN_URL}/faults`, { method, ...body })
      if (!response.ok) throw new Error(`The KMS's faults could not be set: ${await response.text()}`)
    },
    [Symbol.asyncDispose]: () => disposables.disposeAsync(),
  }
}

/** One pair after the other joins within a reuse period, so that their data keys do not end at the same time. */
function startLoad({ pairs }: Cast): AsyncDisposable {
  const startedAt = performance.now()
  const everyMs = (300 / SPEED / pairs.length) * 1000
  return repeat(LOAD_EVERY_MS, () => {
    const joined = pairs.slice(0, 1 + Math.floor((performance.now() - startedAt) / everyMs))
    return Promise.allSettled([...joined, ...joined].map((pair) => pair.publish()))
  })
}

/** Does it again and again, whether it succeeds or not; what is still under way holds up nothing. */
export function repeat(everyMs: number, work: () => Promise<unknown>): AsyncDisposable {
  let stopped = false
  const underWay = new Set<Promise<unknown>>()
  const running = (async () => {
    for (; !stopped; await sleep(everyMs)) {
      const one: Promise<unknown> = work()
        .catch(() => undefined)
        .finally(() => underWay.delete(one))
      underWay.add(one)
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      stopped = true
      await running
      await Promise.race([Promise.all(underWay), sleep(5_000, undefined, { ref: false })])
    },
  }
}

/** Which process is of which kind, it says itself. */
async function targetsOf(stack: Stack): Promise<Record<Job, string[]>> {
  const targets: Record<Job, string[]> = { 'sealcast-gateway': [], 'sealcast-delivery': [], 'sealcast-kms': [] }
  for (const url of (stack.env.SEALCAST_METRICS_URLS ?? '').split(',')) {
    const page = await (await fetch(url)).text()
    const service = /^sealcast_build_info\{[^}]*service="(\w+)"/m.exec(page)?.[1] ?? ''
    targets[`sealcast-${service}` as Job].push(new URL(url).host)
  }
  return targets
}
