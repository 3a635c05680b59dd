/** Messages that wait for an endpoint: as long as a key does not work, and no longer than they may. */

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { DisableKeyCommand, EnableKeyCommand } from '@aws-sdk/client-kms'
import { keys } from '#shared/stream-log'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  readAuthority,
  servedByKms,
  snsClient,
  trustStack,
  untilFinished,
} from './messaging.ts'
import { type RedisAttacker, startRedisAttacker } from './redis-attacker.ts'
import { type Stack, startStack } from './start-stack.ts'
import { deliveriesTo, deliveryLog, loggedAttempts, setAttribute, subscribeAt } from './subscriptions-at.ts'
import { startTestSubscriber, type TestSubscriber } from './test-subscriber.ts'
import { until } from './until.ts'

/** More than an endpoint nothing is known of is given at once. */
const MESSAGES = 100
const AT_ONCE = 64

suite('messages that wait', () => {
  test('in a backlog or for a retry are held while their KMS key is disabled, and consume no attempt', async () => {
    await using t = await setup({ SEALCAST_RETRY_SECOND_MS: '20', SEALCAST_KEY_PROBE_MS: '2000' })
    const kms = kmsClient(t.stack)
    const keyArn = await createKey(kms)
    const topicArns = [
      await createTopic(t.sns, { KmsMasterKeyId: keyArn }),
      await createTopic(t.sns, { KmsMasterKeyId: keyArn }),
    ] as const
    await using hanging = await t.startSubscriber()
    await using failing = await t.startSubscriber()
    const backlogged = await subscribeAt(hanging, { sns: t.sns, topicArn: topicArns[0] })
    const retried = await subscribeAt(failing, { sns: t.sns, topicArn: topicArns[1] })
    const healthyRetryPolicy = { numRetries: 1, minDelayTarget: 100, maxDelayTarget: 100 }
    await setAttribute(t.sns, { arn: retried, name: 'DeliveryPolicy', value: { healthyRetryPolicy } })
    hanging.answer = () => undefined
    failing.answer = (_request, response) => response.writeHead(503).end()
    await publishMany(t, topicArns[0], MESSAGES)
    await publishMany(t, topicArns[1], 5)
    await until('all are lined up', () => t.counted('sealcast_deliveries_backlogged_total').then((n) => n >= MESSAGES))
    await until('all have failed once', () => deliveriesTo(failing, retried).length === 5)
    await until(
      'the endpoint has all that it is given at once',
      () => deliveriesTo(hanging, backlogged).length === AT_ONCE,
    )

    await kms.send(new DisableKeyCommand({ KeyId: keyArn }))
    // Another process, since this one has the data key in memory.
    await t.stack.killAndWaitForRestart('delivery')
    for (const subscriber of [hanging, failing]) subscriber.answer = (_request, response) => response.end()
    const before = await servedByKms(t.stack)
    await sleep(7_000)
    assert.ok(((await servedByKms(t.stack)).Decrypt ?? 0) > (before.Decrypt ?? 0), 'it asks again and again')
    assert.equal(deliveriesTo(hanging, backlogged).length, AT_ONCE)
    assert.equal(deliveriesTo(failing, retried).length, 5)
    const told = deliveryLog(t.stack, 'key.held').filter((line) => line.keyArn === keyArn)
    assert.equal(told.length, 1, `${told.length} lines tell of it`)

    await kms.send(new EnableKeyCommand({ KeyId: keyArn }))
    await hanging.until(() => deliveriesTo(hanging, backlogged).length === AT_ONCE + MESSAGES)
    await failing.until(() => deliveriesTo(failing, retried).length === 10)
    await untilFinished(t.stack)
    const deliveredOnes = () => loggedAttempts(t.stack).filter(({ outcome }) => outcome === 'delivered')
    await until('the log has all', () => deliveredOnes().length >= MESSAGES + 5)
    const delivered = deliveredOnes()
    const attemptsOf = (arn: string) =>
      delivered.filter(({ subscriptionArn }) => subscriptionArn === arn).map(({ attempt }) => attempt)
    assert.deepEqual(attemptsOf(backlogged), new Array(MESSAGES).fill(1))
    assert.deepEqual(attemptsOf(retried), new Array(5).fill(2))
    assert.equal(await t.counted('sealcast_notifications_failed_total'), 0)
    kms.destroy()
  })

  test('for longer than SEALCAST_BACKLOG_SECONDS are given up, each once, and leave nothing', async () => {
    await using t = await setup({ SEALCAST_BACKLOG_SECONDS: '1', SEALCAST_ATTEMPT_TIMEOUT_MS: '2000' })
    const topicArn = await createTopic(t.sns)
    await using hanging = await t.startSubscriber()
    await using healthy = await t.startSubscriber()
    const arn = await subscribeAt(hanging, { sns: t.sns, topicArn })
    const other = await subscribeAt(healthy, { sns: t.sns, topicArn })
    await setAttribute(t.sns, { arn, name: 'DeliveryPolicy', value: { healthyRetryPolicy: { numRetries: 0 } } })
    hanging.answer = () => undefined
    const messageIds = await publishMany(t, topicArn, MESSAGES)
    await healthy.until(() => deliveriesTo(healthy, other).length === MESSAGES)
    await untilFinished(t.stack, 30_000)

    const expiredOnes = () => deliveryLog(t.stack, 'backlog.expired')
    const failedOnes = () => loggedAttempts(t.stack).filter(({ outcome }) => outcome === 'failed')
    await until('the log has all', () => expiredOnes().length + failedOnes().length >= MESSAGES)
    const [expired, failed] = [expiredOnes(), failedOnes()]
    const givenUp = [...expired, ...failed].map(({ messageId }) => String(messageId))
    assert.deepEqual(givenUp.toSorted(), messageIds.toSorted())
    assert.ok(expired.length > 0 && expired.length <= MESSAGES - AT_ONCE, `${expired.length} expired`)
    for (const { subscriptionId, level } of expired) {
      assert.ok(arn.endsWith(`:${subscriptionId}`))
      assert.equal(level, 'warn')
    }
    assert.equal(deliveriesTo(hanging, arn).length, failed.length)
    assert.equal(await t.counted('sealcast_backlog_expired_total'), expired.length)
    assert.equal(await t.counted('sealcast_notifications_failed_total'), MESSAGES)
    assert.deepEqual(await t.redis.redis.keys(`${keys.backlogsKey(t.redis.partitionOf(topicArn)).slice(0, -1)}*`), [])
  })
})

async function setup(env: Readonly<Record<string, string>>) {
  await using cleanup = new AsyncDisposableStack()
  const stack: Stack = cleanup.use(await startStack({ env }))
  trustStack(stack)
  const sns = cleanup.adopt(snsClient(stack), (client) => client.destroy())
  const redis: RedisAttacker = cleanup.use(await startRedisAttacker(stack))
  const held = cleanup.move()
  return {
    stack,
    sns,
    redis,
    counted: redis.counted,
    startSubscriber: (): Promise<TestSubscriber> => startTestSubscriber({ authority: readAuthority(stack) }),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** @returns their ids */
function publishMany({ sns }: Awaited<ReturnType<typeof setup>>, topicArn: string, count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, (_, n) => publish(sns, topicArn, `message ${n}`)))
}
