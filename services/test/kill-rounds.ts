/**
 * Kills a worker at seeded points between claim and settlement, and counts what became of the messages.
 *
 * One stack for all rounds: `up` without workers of its own, and one worker behind a proxy. A round arms the proxy,
 * publishes sealed messages to several topics and partitions, waits until the worker has died at the point, starts another one,
 * and waits until everything is settled. Every topic has three subscribers, so that every way out of the stream is
 * taken: one answers 200, one every other time 503, one after the time that a first attempt has.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { killPointOf } from './kill-points.ts'
import { createKey, createTopic, kmsClient, publish, snsClient, subscribeAndConfirm, trustStack } from './messaging.ts'
import { startProxiedWorker } from './proxied-worker.ts'
import { type KillPoint, startRedisProxy } from './redis-proxy.ts'
import { type Stack, startStack } from './start-stack.ts'
import type { TestSubscriber } from './test-subscriber.ts'
import { watchUnsettledWork } from './unsettled-work.ts'

export interface KillRound {
  readonly seed: number
  readonly point: KillPoint
  readonly acknowledged: number
  /** Distinct messages by subscriber, summed. */
  readonly delivered: number
  /** Deliveries answered with 200 beyond the first of a message to a subscriber. */
  readonly duplicates: number
  /** Message ids, with the subscriber that never got them. */
  readonly lost: readonly string[]
  readonly ms: number
}

export interface KillStage extends AsyncDisposable {
  /** @throws when the point is never reached, or something is left in Redis */
  round(seed: number): Promise<KillRound>
  readonly stack: Stack
}

const TOPICS = 3
const MESSAGES = 12
/** So many times so many messages are published before the point counts as out of reach. */
const MOST_PUBLISHES = 10
const PUBLISH_PAUSE_MS = 1_500
/** The default policy has three retries. */
const MOST_FAILURES = 2
/** Beyond FIRST_ATTEMPT_MS of the worker. */
const SLOW_ANSWER_MS = 300
const SETTLED_WITHIN_MS = 30_000
const WORKER = { SEALCAST_LEASE_MS: '1000', SEALCAST_RETRY_SECOND_MS: '5' }

export async function startKillStage(): Promise<KillStage> {
  await using undo = new AsyncDisposableStack()
  const stack = undo.use(await startStack({ env: { SEALCAST_WORKERS: '0' } }))
  trustStack(stack)
  const sns = snsClient(stack)
  const kms = kmsClient(stack)
  undo.defer(() => {
    sns.destroy()
    kms.destroy()
  })
  const redisUrl = stack.env.SEALCAST_REDIS_URL ?? ''
  const proxy = undo.use(await startRedisProxy(Number(new URL(redisUrl).port)))
  const unsettled = undo.use(await watchUnsettledWork(redisUrl))
  const startWorker = () => startProxiedWorker(stack, { redisPort: proxy.port, env: WORKER })
  let worker = startWorker()
  undo.defer(async () => {
    worker.kill()
    await worker.ended
  })

  const KmsMasterKeyId = await createKey(kms)
  const topicArns = await Promise.all(Array.from({ length: TOPICS }, () => createTopic(sns, { KmsMasterKeyId })))
  const deliveries: Deliveries[] = []
  for (const manner of [fast, flaky, slow]) {
    const subscriber = undo.use(await subscribeAndConfirm(stack, { sns, topicArns }))
    deliveries.push(watchDeliveries(subscriber, manner))
  }
  await unsettled.untilNone(SETTLED_WITHIN_MS)
  const held = undo.move()

  const publishSome = () =>
    Promise.all(Array.from({ length: MESSAGES }, (_, n) => publish(sns, topicArns[n % TOPICS] ?? '', `message ${n}`)))

  /** @returns ids of what was published until the worker had died */
  const dieAt = async (point: KillPoint, { starting = false } = {}): Promise<string[]> => {
    let isDead = false
    proxy.arm(point, () => {
      isDead = true
      worker.kill()
    })
    if (starting) worker = startWorker()
    const { ended } = worker
    const ids: string[] = []
    for (let turn = 0; turn < MOST_PUBLISHES && !isDead; turn++) {
      ids.push(...(await publishSome()))
      await Promise.race([ended, sleep(PUBLISH_PAUSE_MS)])
    }
    proxy.disarm()
    if (!isDead) throw new Error(`Never reached: ${JSON.stringify(point)}`)
    await ended
    return ids
  }

  return {
    stack,
    async round(seed) {
      const startedAt = performance.now()
      const point = killPointOf(seed)
      const sum = (of: (one: Deliveries) => number) => deliveries.reduce((total, one) => total + of(one), 0)
      const answeredBefore = sum(({ answered }) => answered)
      const ids: string[] = []
      const isStarting = point.script === 'reread'
      // Entries are read again by whoever comes after a worker that died with some.
      if (isStarting) ids.push(...(await dieAt({ script: 'claim', when: 'after', nth: 1 })))
      ids.push(...(await dieAt(point, { starting: isStarting })))
      worker = startWorker()
      await worker.ready
      await unsettled.untilNone(SETTLED_WITHIN_MS)
      const lost = deliveries.flatMap(({ manner, messageIds }) =>
        ids.filter((id) => !messageIds.has(id)).map((id) => `${id} (${manner})`),
      )
      const delivered = ids.length * deliveries.length - lost.length
      const answered = sum((one) => one.answered) - answeredBefore
      const ms = performance.now() - startedAt
      return { seed, point, acknowledged: ids.length, delivered, duplicates: answered - delivered, lost, ms }
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

interface Deliveries {
  readonly manner: string
  /** Of messages that were answered with 200. */
  readonly messageIds: ReadonlySet<string>
  /** Requests that were. */
  readonly answered: number
}

/** How the nth request is answered; the `attempt`th for its message. None fails so often that a message is given up. */
type Manner = (nth: number, attempt: number) => { afterMs: number; status: 200 | 503 }

function fast(): ReturnType<Manner> {
  return { afterMs: 0, status: 200 }
}

function flaky(nth: number, attempt: number): ReturnType<Manner> {
  return { afterMs: 0, status: nth % 2 === 0 && attempt <= MOST_FAILURES ? 503 : 200 }
}

function slow(nth: number, attempt: number): ReturnType<Manner> {
  return { afterMs: SLOW_ANSWER_MS, status: nth % 3 === 0 && attempt <= MOST_FAILURES ? 503 : 200 }
}

function watchDeliveries(subscriber: TestSubscriber, manner: Manner): Deliveries {
  const messageIds = new Set<string>()
  let answered = 0
  let requests = 0
  const attempts = new Map<string, number>()
  subscriber.answer = async ({ json }, response) => {
    const id = json.MessageId ?? ''
    const attempt = (attempts.get(id) ?? 0) + 1
    attempts.set(id, attempt)
    const { afterMs, status } = json.Type === 'Notification' ? manner(++requests, attempt) : fast()
    if (afterMs > 0) await sleep(afterMs)
    response.writeHead(status).end()
    if (status !== 200 || json.Type !== 'Notification') return
    answered++
    messageIds.add(id)
  }
  return {
    manner: manner.name,
    messageIds,
    get answered() {
      return answered
    },
  }
}
