/** Whole delivery policies, set through the AWS SDK: an endpoint that always fails sees each attempt, at its time, and no other. */

import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { SetTopicAttributesCommand, type SNSClient, SubscribeCommand, UnsubscribeCommand } from '@aws-sdk/client-sns'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  readAuthority,
  snsClient,
  trustStack,
  untilFinished,
} from './messaging.ts'
import { type RedisAttacker, startRedisAttacker } from './redis-attacker.ts'
import { type Stack, startStack } from './start-stack.ts'
import {
  deliveriesTo,
  deliveryLog,
  type LoggedAttempt,
  loggedAttempts,
  setAttribute,
  subscribeAt,
} from './subscriptions-at.ts'
import { startTestSubscriber, type TestSubscriber } from './test-subscriber.ts'
import { until } from './until.ts'

/** A policy's second, in ms. */
const SECOND_MS = 20
/** Of a wait, by which jitter may shorten it; and a millisecond on either side for clocks that show whole ones. */
const JITTER = 0.1
const CLOCK_MS = 2
/** By which a busy machine may lengthen a wait: of several subscriptions the least counts. */
const SLACK_MS = 700
const SUBSCRIPTIONS = 3
const DEADLINE_MS = 60_000

interface Row {
  name: string
  topic?: object
  /** By SetSubscriptionAttributes, or with Subscribe. */
  subscription?: object
  withSubscribe?: object
  /** Seconds before each retry. */
  delays: readonly number[]
}

const retry = (
  backoffFunction: string,
  [minDelayTarget, maxDelayTarget]: readonly [number, number],
  numRetries: number,
  more: object = {},
) => ({ backoffFunction, minDelayTarget, maxDelayTarget, numRetries, ...more })

const ROWS: readonly Row[] = [
  { name: 'the default', delays: [20, 20, 20] },
  {
    name: 'linear',
    subscription: { healthyRetryPolicy: retry('linear', [10, 50], 5) },
    delays: [10, 20, 30, 40, 50],
  },
  {
    name: 'arithmetic',
    withSubscribe: { healthyRetryPolicy: retry('arithmetic', [10, 50], 5) },
    delays: [10, 12.5, 20, 32.5, 50],
  },
  {
    name: 'geometric',
    topic: { defaultHealthyRetryPolicy: retry('geometric', [2, 54], 4) },
    delays: [2, 6, 18, 54],
  },
  {
    name: 'exponential',
    subscription: { healthyRetryPolicy: retry('exponential', [6, 40], 5) },
    delays: [6, 12, 24, 40, 40],
  },
  {
    name: 'all four phases',
    topic: {
      defaultHealthyRetryPolicy: retry('linear', [10, 50], 8, {
        numNoDelayRetries: 2,
        numMinDelayRetries: 1,
        numMaxDelayRetries: 2,
      }),
    },
    delays: [0, 0, 10, 10, 30, 50, 50, 50],
  },
  {
    name: 'a subscription’s before its topic’s',
    topic: { defaultHealthyRetryPolicy: retry('linear', [1, 1], 9) },
    subscription: { healthyRetryPolicy: retry('linear', [30, 30], 1) },
    delays: [30],
  },
  {
    name: 'its topic’s where a subscription sets something else',
    topic: { defaultHealthyRetryPolicy: retry('linear', [5, 5], 2) },
    subscription: { requestPolicy: { headerContentType: 'application/json' } },
    delays: [5, 5],
  },
  {
    name: 'its topic’s where that disables overrides',
    topic: { defaultHealthyRetryPolicy: retry('linear', [5, 5], 2), disableSubscriptionOverrides: true },
    withSubscribe: { healthyRetryPolicy: retry('linear', [1, 1], 9) },
    delays: [5, 5],
  },
  { name: 'no retries', subscription: { healthyRetryPolicy: { numRetries: 0 } }, delays: [] },
  {
    name: 'a hundred retries without delay',
    subscription: { healthyRetryPolicy: { numRetries: 100, numNoDelayRetries: 100 } },
    delays: new Array<number>(100).fill(0),
  },
]

suite('a delivery policy', () => {
  let stack: Stack
  let sns: SNSClient
  let keyArn: string
  let subscriber: TestSubscriber
  let redis: RedisAttacker

  before(async () => {
    stack = await startStack({ env: { SEALCAST_RETRY_SECOND_MS: String(SECOND_MS) } })
    trustStack(stack)
    sns = snsClient(stack)
    const kms = kmsClient(stack)
    keyArn = await createKey(kms)
    kms.destroy()
    redis = await startRedisAttacker(stack)
    subscriber = await startTestSubscriber({ authority: readAuthority(stack) })
    subscriber.answer = ({ json }, response) => response.writeHead(json.Type === 'Notification' ? 503 : 200).end()
  })

  after(async () => {
    sns.destroy()
    for (const part of [subscriber, redis, stack]) await part[Symbol.asyncDispose]()
  })

  suite('decides when a message is tried, and how often:', { concurrency: 4 }, () => {
    for (const { name, topic, subscription, withSubscribe, delays } of ROWS) {
      test(name, async () => {
        const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
        if (topic !== undefined) await setTopicPolicy(topicArn, topic)
        const attributes = withSubscribe && { DeliveryPolicy: JSON.stringify(withSubscribe) }
        const arns: string[] = []
        for (let n = 0; n < SUBSCRIPTIONS; n++) {
          const arn = await subscribeAt(subscriber, { sns, topicArn, query: `${n}`, ...(attributes && { attributes }) })
          if (subscription !== undefined) await setAttribute(sns, { arn, name: 'DeliveryPolicy', value: subscription })
          arns.push(arn)
        }
        const messageId = await publish(sns, topicArn, name)
        const waits: number[][] = []
        for (const arn of arns) {
          const attempts = await untilGivenUp(messageId, arn)
          assert.deepEqual(
            attempts.map(({ attempt, outcome, reason }) => [attempt, outcome, reason]),
            [...delays, undefined].map((delay, n) => [n + 1, delay === undefined ? 'failed' : 'retry', 'HTTP_503']),
          )
          assert.equal(deliveriesTo(subscriber, arn).length, delays.length + 1)
          waits.push(attempts.slice(1).map(({ startedAt }, n) => startedAt - (attempts[n]?.endedAt ?? 0)))
        }
        for (const [n, delay] of delays.entries()) {
          const least = Math.min(...waits.map((ofOne) => ofOne[n] ?? Number.NaN))
          const ms = delay * SECOND_MS
          assert.ok(least >= ms * (1 - JITTER) - CLOCK_MS, `retry ${n + 1} after ${least} ms, not ${ms}`)
          assert.ok(least <= ms + SLACK_MS, `retry ${n + 1} after ${least} ms, not ${ms}`)
        }
      })
    }
  })

  test('leaves nothing of what was given up, and has each counted once', async () => {
    await untilFinished(stack)
    assert.equal(await redis.counted('sealcast_notifications_failed_total'), ROWS.length * SUBSCRIPTIONS)
  })

  suite('that changes while a retry waits holds for the next attempt:', { concurrency: 4 }, () => {
    test('fewer retries', async () => {
      const { arn, messageId } = await failing({ numRetries: 100, ...every(36) })
      await setAttribute(sns, { arn, name: 'DeliveryPolicy', value: { healthyRetryPolicy: { numRetries: 2 } } })
      assert.equal((await untilGivenUp(messageId, arn)).length, 3)
    })

    test('more retries', async () => {
      const { arn, messageId } = await failing({ numRetries: 1, ...every(50) })
      const value = { healthyRetryPolicy: { numRetries: 4, numNoDelayRetries: 4 } }
      await setAttribute(sns, { arn, name: 'DeliveryPolicy', value })
      assert.equal((await untilGivenUp(messageId, arn)).length, 5)
    })

    test('a topic that disables overrides', async () => {
      const { topicArn, arn, messageId } = await failing({ numRetries: 100, ...every(36) })
      await setTopicPolicy(topicArn, {
        defaultHealthyRetryPolicy: { numRetries: 1 },
        disableSubscriptionOverrides: true,
      })
      assert.equal((await untilGivenUp(messageId, arn)).length, 2)
    })

    test('no subscription any more', async () => {
      const { arn, messageId } = await failing({ numRetries: 100, ...every(36) })
      await sns.send(new UnsubscribeCommand({ SubscriptionArn: arn }))
      await until('it is dropped', () => redis.counted('sealcast_deliveries_dropped_total', 'reason="subscription"'))
      const attempts = attemptsAt(messageId, arn)
      assert.ok(attempts.every(({ outcome }) => outcome === 'retry'))
      assert.equal(deliveriesTo(subscriber, arn).length, attempts.length)
    })
  })

  test('is the default for confirmations, whatever is set', async () => {
    const topicArn = await createTopic(sns)
    const many = { healthyRetryPolicy: { numRetries: 50, numNoDelayRetries: 50 } }
    await setTopicPolicy(topicArn, { defaultHealthyRetryPolicy: many.healthyRetryPolicy })
    await using unwilling = await startTestSubscriber({ authority: readAuthority(stack) })
    unwilling.answer = (_request, response) => response.writeHead(503).end()
    const request = { TopicArn: topicArn, Protocol: 'https', Endpoint: unwilling.url }
    await sns.send(new SubscribeCommand({ ...request, Attributes: { DeliveryPolicy: JSON.stringify(many) } }))
    const asked = () => deliveryLog(stack, 'delivery.attempted').filter((line) => line.topicArn === topicArn)
    await until('it is given up', () => asked().some(({ outcome }) => outcome === 'failed'))
    assert.equal(asked().length, 4)
    assert.equal(unwilling.received.length, 4)
  })

  test('that changed leaves nothing either', () => untilFinished(stack))

  /** A message whose first attempt failed. @param policy of its subscription's retries */
  async function failing(policy: object) {
    const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
    const attributes = { DeliveryPolicy: JSON.stringify({ healthyRetryPolicy: policy }) }
    const arn = await subscribeAt(subscriber, { sns, topicArn, attributes })
    const messageId = await publish(sns, topicArn, 'in vain')
    await until('its first attempt', () => attemptsAt(messageId, arn).length > 0)
    return { topicArn, arn, messageId }
  }

  async function setTopicPolicy(topicArn: string, http: object): Promise<void> {
    const request = { TopicArn: topicArn, AttributeName: 'DeliveryPolicy', AttributeValue: JSON.stringify({ http }) }
    await sns.send(new SetTopicAttributesCommand(request))
  }

  function attemptsAt(messageId: string, arn: string): LoggedAttempt[] {
    return loggedAttempts(stack).filter((one) => one.messageId === messageId && one.subscriptionArn === arn)
  }

  async function untilGivenUp(messageId: string, arn: string): Promise<LoggedAttempt[]> {
    const look = () => attemptsAt(messageId, arn).some(({ outcome }) => outcome === 'failed')
    await until(`${messageId} is given up`, look, DEADLINE_MS)
    return attemptsAt(messageId, arn)
  }
})

/** @param seconds between any two attempts */
function every(seconds: number) {
  return { minDelayTarget: seconds, maxDelayTarget: seconds }
}
