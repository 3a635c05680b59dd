/** kill -9 of the worker exactly before and after the scripts that hold a message for its KMS key and release it. */

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { DisableKeyCommand, EnableKeyCommand } from '@aws-sdk/client-kms'
import { createKey, createTopic, kmsClient, publish, snsClient, subscribeAndConfirm, trustStack } from './messaging.ts'
import { startProxiedWorker } from './proxied-worker.ts'
import { type KillPoint, startRedisProxy } from './redis-proxy.ts'
import { startStack } from './start-stack.ts'
import { watchUnsettledWork } from './unsettled-work.ts'

const WORKER = { SEALCAST_LEASE_MS: '1000', SEALCAST_RETRY_SECOND_MS: '20', SEALCAST_KEY_PROBE_MS: '900' }
const MESSAGES = 12
const SETTLED_WITHIN_MS = 30_000

/** Whether the worker meets the script while the key is disabled, or when it works again; and with retries or without. */
const POINTS = [
  { script: 'hold', isReleasing: false, isRetrying: false },
  { script: 'read-held', isReleasing: true, isRetrying: false },
  { script: 'leave-held', isReleasing: true, isRetrying: false },
  { script: 'hold-reference', isReleasing: false, isRetrying: true },
  { script: 'resume-reference', isReleasing: true, isRetrying: true },
  { script: 'leave-held', isReleasing: true, isRetrying: true },
] as const

/** Continuous integration kills on both sides of each. */
const SIDES: readonly KillPoint['when'][] = process.env.TEST_FULL === '1' ? ['before', 'after'] : ['after']

suite('kill -9 of the worker between holding and releasing', () => {
  test('loses no acknowledged message, and leaves nothing in Redis', async (t) => {
    await using stage = await setup()
    for (const { script, isReleasing, isRetrying } of POINTS) {
      for (const when of SIDES) {
        const point = { script, when, nth: 1 }
        const { ids, delivered } = await stage.round(point, { isReleasing, isRetrying })
        const lost = ids.filter((id) => !delivered.has(id))
        t.diagnostic(
          `${when} ${script}${isRetrying ? ' of retries' : ''}: ${ids.length} acknowledged, ${lost.length} lost`,
        )
        assert.deepEqual(lost, [])
      }
    }
  })
})

async function setup() {
  await using undo = new AsyncDisposableStack()
  const stack = undo.use(await startStack({ env: { SEALCAST_WORKERS: '0', SEALCAST_PARTITIONS: '1' } }))
  trustStack(stack)
  const [sns, kms] = [snsClient(stack), kmsClient(stack)]
  undo.defer(() => {
    sns.destroy()
    kms.destroy()
  })
  const redisUrl = stack.env.SEALCAST_REDIS_URL ?? ''
  const proxy = undo.use(await startRedisProxy(Number(new URL(redisUrl).port)))
  const unsettled = undo.use(await watchUnsettledWork(redisUrl))
  const start = () => startProxiedWorker(stack, { redisPort: proxy.port, env: WORKER })
  let worker = start()
  const end = async () => {
    worker.kill()
    await worker.ended
  }
  undo.defer(end)
  const keyArn = await createKey(kms)
  const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
  const subscriber = undo.use(await subscribeAndConfirm(stack, { sns, topicArn }))
  const delivered = new Set<string>()
  let isFailing = false
  subscriber.answer = ({ json }, response) => {
    response.writeHead(isFailing ? 503 : 200).end()
    if (!isFailing && json.Type === 'Notification') delivered.add(json.MessageId ?? '')
  }
  // The gateway has a data key from now on; no worker that is started later does.
  await publish(sns, topicArn, 'the first')
  await unsettled.untilNone(SETTLED_WITHIN_MS)
  const held = undo.move()

  const dieAt = async (point: KillPoint, work: () => Promise<unknown>): Promise<void> => {
    const died = Promise.withResolvers<void>()
    proxy.arm(point, () => {
      worker.kill()
      died.resolve()
    })
    await work()
    const timer = setTimeout(() => died.reject(new Error(`Never reached: ${JSON.stringify(point)}`)), 20_000)
    await died.promise.finally(() => clearTimeout(timer))
    proxy.disarm()
    await worker.ended
  }
  const disable = () => kms.send(new DisableKeyCommand({ KeyId: keyArn }))
  const enable = () => kms.send(new EnableKeyCommand({ KeyId: keyArn }))
  const restart = async () => {
    worker = start()
    await worker.ready
  }
  const publishAll = async () => {
    const ids: string[] = []
    for (let n = 0; n < MESSAGES; n++) ids.push(await publish(sns, topicArn, `message ${n}`))
    return ids
  }
  /** Every message fails once, so that it waits for its retry when the worker ends. */
  const publishFailing = async () => {
    isFailing = true
    const before = subscriber.received.length
    const ids = await publishAll()
    await subscriber.until((received) => received.length >= before + MESSAGES)
    return ids
  }
  const untilHeld = () => unsettled.until((left) => left.some((key) => key.includes(':held:')), SETTLED_WITHIN_MS)

  return {
    async round(point: KillPoint, { isReleasing, isRetrying }: { isReleasing: boolean; isRetrying: boolean }) {
      const failed = isRetrying ? await publishFailing() : []
      await end()
      isFailing = false
      await disable()
      const ids = isRetrying ? failed : await publishAll()
      if (isReleasing) {
        await restart()
        await untilHeld()
        await dieAt(point, enable)
      } else {
        await dieAt(point, async () => {
          worker = start()
        })
        await restart()
        await untilHeld()
        await enable()
        await unsettled.untilNone(SETTLED_WITHIN_MS)
        return { ids, delivered }
      }
      await restart()
      await unsettled.untilNone(SETTLED_WITHIN_MS)
      return { ids, delivered }
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}
