/** `maxReceivesPerSecond`: an endpoint gets no more than that, however many messages and workers there are, and gets them all. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { ListTopicsCommand, SetTopicAttributesCommand, type SNSClient } from '@aws-sdk/client-sns'
import { ADMINISTRATOR_ACCESS, addPrincipal } from '#shared/principals'
import { createTopic, publish, readAuthority, readMetrics, snsClient, trustStack, untilFinished } from './messaging.ts'
import { messagesOf } from './redis-attacker.ts'
import { startService } from './start-service.ts'
import { type Stack, startStack } from './start-stack.ts'
import { loggedAttempts, setAttribute, subscribeAt } from './subscriptions-at.ts'
import { startTestSubscriber, type TestSubscriber } from './test-subscriber.ts'
import { until } from './until.ts'

const DEADLINE_MS = 60_000
/** Publishers' partitions are spread over both workers, but for one run in five hundred. */
const PUBLISHERS = 10
/** On its way through a busy machine a delivery may come closer to the next one. */
const JITTER_MS = 300

suite('a throttle policy', () => {
  let stack: Stack
  let sns: SNSClient

  before(async () => {
    stack = await startStack({ env: { SEALCAST_RETRY_SECOND_MS: '20' } })
    trustStack(stack)
    sns = snsClient(stack)
  })

  after(async () => {
    sns.destroy()
    await stack[Symbol.asyncDispose]()
  })

  // At once, as each spends its time waiting.
  suite('by one worker', { concurrency: true }, () => {
    test('holds its subscription to the rate and loses nothing, while others of the topic get all at once', async () => {
      const topicArn = await createTopic(sns)
      await using throttled = await start()
      await using free = await start()
      const arn = await subscribeAt(throttled, { sns, topicArn })
      await subscribeAt(free, { sns, topicArn })
      await setAttribute(sns, { arn, name: 'DeliveryPolicy', value: { throttlePolicy: { maxReceivesPerSecond: 5 } } })
      const times = timesOf(throttled)
      const sent = await publishMany([sns], topicArn, 40)
      await free.receive('Notification', 40)
      assert.ok(messagesOf(throttled).length < 40)
      await throttled.receive('Notification', 40, DEADLINE_MS)
      for (const subscriber of [throttled, free]) assert.deepEqual(messagesOf(subscriber).toSorted(), sent)
      assertPaced(times, 5)
    })

    test('of a topic holds for each of its subscriptions, by itself', async () => {
      const topicArn = await createTopic(sns)
      await using one = await start()
      await using other = await start()
      await sns.send(
        new SetTopicAttributesCommand({
          TopicArn: topicArn,
          AttributeName: 'DeliveryPolicy',
          AttributeValue: '{"http":{"defaultThrottlePolicy":{"maxReceivesPerSecond":4}}}',
        }),
      )
      const subscribers = [one, other]
      const times: number[][] = []
      for (const subscriber of subscribers) {
        await subscribeAt(subscriber, { sns, topicArn })
        times.push(timesOf(subscriber))
      }
      const sent = await publishMany([sns], topicArn, 16)
      for (const [n, subscriber] of subscribers.entries()) {
        await subscriber.receive('Notification', 16, DEADLINE_MS)
        assert.deepEqual(messagesOf(subscriber).toSorted(), sent)
        assertPaced(times[n] ?? [], 4)
      }
    })

    test('counts retries, and waiting for it is no attempt', async () => {
      const topicArn = await createTopic(sns)
      await using subscriber = await start()
      const arn = await subscribeAt(subscriber, { sns, topicArn })
      const value = {
        throttlePolicy: { maxReceivesPerSecond: 4 },
        healthyRetryPolicy: { numRetries: 1, numNoDelayRetries: 1 },
      }
      await setAttribute(sns, { arn, name: 'DeliveryPolicy', value })
      const failed = new Set<string>()
      subscriber.answer = ({ json: { Message = '' } }, response) => {
        response.writeHead(failed.has(Message) ? 200 : 503).end()
        failed.add(Message)
      }
      const times = timesOf(subscriber)
      const sent = await publishMany([sns], topicArn, 8)
      await subscriber.receive('Notification', 16, DEADLINE_MS)
      assert.deepEqual(messagesOf(subscriber).toSorted(), [...sent, ...sent].toSorted())
      assertPaced(times, 4)
      const isOfIt = ({ subscriptionArn }: { subscriptionArn: string }) => subscriptionArn === arn
      const delivered = () =>
        loggedAttempts(stack).filter((one) => isOfIt(one) && one.outcome === 'delivered' && one.attempt === 2)
      await until('all are delivered at the second attempt', () => delivered().length === 8)
    })
  })

  test('holds over two workers', async () => {
    await using second = await startService(stack, 'delivery')
    const clients: SNSClient[] = []
    const file = join(stack.home, 'principals.json')
    for (let n = 0; n < PUBLISHERS; n++) {
      const credentials = await addPrincipal(file, {
        arn: `arn:aws:iam::000000000000:user/publisher-${n}`,
        policies: ADMINISTRATOR_ACCESS,
      })
      clients.push(snsClient(stack, credentials))
    }
    await until('the last publisher is known', () =>
      clients
        .at(-1)
        ?.send(new ListTopicsCommand({}))
        .catch(() => null),
    )
    const topicArn = await createTopic(sns)
    await using subscriber = await start()
    const attributes = { DeliveryPolicy: '{"throttlePolicy":{"maxReceivesPerSecond":5}}' }
    const arn = await subscribeAt(subscriber, { sns, topicArn, attributes })
    const times = timesOf(subscriber)
    await until('the second worker has its share', async () => (await ownedByFirst()) <= 8)
    const sent = await publishMany(clients, topicArn, 40)
    await subscriber.receive('Notification', 40, DEADLINE_MS)
    assert.deepEqual(messagesOf(subscriber).toSorted(), sent)
    assertPaced(times, 5)
    const subscriptionId = arn.split(':').at(-1)
    const byFirst = loggedAttempts(stack).filter(({ subscriptionArn }) => subscriptionArn === arn).length
    const bySecond = second.logged.filter(
      (line) => line.subscriptionId === subscriptionId && line.kind === 'notification',
    ).length
    assert.ok(byFirst > 0 && bySecond > 0, `${byFirst} and ${bySecond} deliveries`)
    for (const client of clients) client.destroy()
  })

  test('leaves nothing behind', () => untilFinished(stack))

  async function ownedByFirst(): Promise<number> {
    const [, owned] = /^sealcast_partitions_owned (\d+)$/m.exec((await readMetrics(stack)).join('\n')) ?? []
    return Number(owned)
  }

  function start(): Promise<TestSubscriber> {
    return startTestSubscriber({ authority: readAuthority(stack) })
  }
})

/** @returns what was published, sorted */
async function publishMany(clients: readonly SNSClient[], topicArn: string, count: number): Promise<string[]> {
  const messages = Array.from({ length: count }, (_, n) => `message ${n}`)
  await Promise.all(
    messages.map((message, n) => publish(clients[n % clients.length] ?? assert.fail(), topicArn, message)),
  )
  return messages.toSorted()
}

/** When what comes from now on arrives, in ms. */
function timesOf(subscriber: TestSubscriber): number[] {
  const times: number[] = []
  const { answer } = subscriber
  subscriber.answer = (request, response) => {
    times.push(performance.now())
    answer(request, response)
  }
  return times
}

function assertPaced(times: readonly number[], perSecond: number): void {
  const within = (from: number, ms: number) => times.filter((at) => at >= from && at < from + ms).length
  const busiest = Math.max(...times.map((from) => within(from, 1_000 - JITTER_MS)))
  assert.ok(busiest <= perSecond, `${busiest} within a second, not ${perSecond}`)
  const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1_000
  assert.ok(seconds >= (times.length - 1) / perSecond - JITTER_MS / 1_000, `${times.length} within ${seconds} s`)
}
