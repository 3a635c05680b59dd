/** What an endpoint's answer makes of a delivery; and that nobody is asked to confirm what has expired. */

import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { type SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import { createCatalog } from '#shared/catalog'
import { createRecordMac } from '#shared/record-mac'
import { readRecordSecrets } from '#shared/secrets'
import { createTopic, publish, readAuthority, snsClient, trustStack, untilFinished } from './messaging.ts'
import { type RedisAttacker, startRedisAttacker } from './redis-attacker.ts'
import { type Stack, startStack } from './start-stack.ts'
import { deliveriesTo, loggedAttempts, subscribeAt } from './subscriptions-at.ts'
import { startTestSubscriber, type TestSubscriber, verifySignature } from './test-subscriber.ts'
import { until } from './until.ts'

const THREE_DAYS_MS = 259_200_000

const DELIVERED = [200, 201, 202, 204, 206, 299]
const RETRIED = [429, 500, 501, 502, 503, 504, 507, 599]
const FINAL = [
  300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 408, 410, 413, 415, 418, 422, 428, 431, 451, 499,
]

/** Other ends of a request, all of them worth another. */
const BROKEN: Readonly<Record<string, (response: ServerResponse) => void>> = {
  UND_ERR_SOCKET: (response) => response.socket?.destroy(),
  TIMEOUT: () => undefined,
}

suite('a delivery', () => {
  let stack: Stack
  let sns: SNSClient
  let redis: RedisAttacker
  let subscriber: TestSubscriber

  before(async () => {
    stack = await startStack({ env: { SEALCAST_RETRY_SECOND_MS: '20', SEALCAST_ATTEMPT_TIMEOUT_MS: '3000' } })
    trustStack(stack)
    sns = snsClient(stack)
    redis = await startRedisAttacker(stack)
    subscriber = await startTestSubscriber({ authority: readAuthority(stack) })
  })

  after(async () => {
    sns.destroy()
    for (const part of [subscriber, redis, stack]) await part[Symbol.asyncDispose]()
  })

  test('ends, or is tried again, by the answer; redirects are not followed', async () => {
    const topicArn = await createTopic(sns)
    await using elsewhere = await startTestSubscriber({ authority: readAuthority(stack) })
    const answers = new Map<string, (response: ServerResponse) => void>()
    const expected = new Map<string, readonly string[]>()
    const attributes = { DeliveryPolicy: '{"healthyRetryPolicy":{"numRetries":1,"numNoDelayRetries":1}}' }
    const add = async (name: string, outcomes: readonly string[], answer: (response: ServerResponse) => void) => {
      const arn = await subscribeAt(subscriber, { sns, topicArn, query: name, attributes })
      answers.set(arn, answer)
      expected.set(arn, outcomes)
    }
    const withStatus = (status: number) => (response: ServerResponse) =>
      void response.writeHead(status, { location: elsewhere.url }).end()
    for (const status of DELIVERED) await add(`${status}`, ['delivered'], withStatus(status))
    for (const status of FINAL) await add(`${status}`, [`failed HTTP_${status}`], withStatus(status))
    for (const status of RETRIED)
      await add(`${status}`, [`retry HTTP_${status}`, `failed HTTP_${status}`], withStatus(status))
    for (const [code, answer] of Object.entries(BROKEN)) await add(code, [`retry ${code}`, `failed ${code}`], answer)

    subscriber.answer = ({ headers }, response) =>
      (answers.get(String(headers['x-amz-sns-subscription-arn'])) ?? ((one) => one.end()))(response)
    await publish(sns, topicArn, 'one for all')
    await untilFinished(stack, 30_000)
    const count = [...expected.values()].flat().length
    await until('the log has all', () => loggedAttempts(stack).length >= count)
    const attempts = Map.groupBy(loggedAttempts(stack), ({ subscriptionArn }) => subscriptionArn)
    for (const [arn, outcomes] of expected) {
      const made = (attempts.get(arn) ?? []).map(({ outcome, reason }) =>
        reason === undefined ? outcome : `${outcome} ${reason}`,
      )
      assert.deepEqual(made, outcomes)
      assert.equal(deliveriesTo(subscriber, arn).length, outcomes.length, outcomes.join())
    }
    assert.deepEqual(elsewhere.received, [])
    const failed = FINAL.length + RETRIED.length + Object.keys(BROKEN).length
    assert.equal(await redis.counted('sealcast_notifications_failed_total'), failed)
  })

  for (const protocol of ['http', 'https'] as const) {
    test(`carries links that work, over ${protocol}, also when it was tried again`, async () => {
      const topicArn = await createTopic(sns)
      await using another = await startTestSubscriber(protocol === 'https' ? { authority: readAuthority(stack) } : {})
      let refusals = 1
      another.answer = (_request, response) => response.writeHead(refusals-- > 0 ? 503 : 200).end()
      await sns.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: protocol, Endpoint: another.url }))
      const confirmations = await another.receive('SubscriptionConfirmation', 2)
      assert.equal(new Set(confirmations.map(({ body }) => body)).size, 1, 'the same token, signed alike')
      assert.equal((await visit(confirmations[0]?.json.SubscribeURL)).status, 200)
      refusals = 1
      await publish(sns, topicArn, 'twice')
      const notifications = await another.receive('Notification', 2)
      assert.equal(new Set(notifications.map(({ body }) => body)).size, 1)
      for (const one of [...confirmations, ...notifications]) await verifySignature(one, signingHost())
      assert.equal((await visit(notifications[1]?.json.UnsubscribeURL)).status, 200)
      const [farewell] = await another.receive('UnsubscribeConfirmation', 1)
      assert.equal((await visit(farewell?.json.SubscribeURL)).status, 200)
      await publish(sns, topicArn, 'back again')
      const back = await another.receive('Notification', 3)
      assert.equal(back[2]?.json.Message, 'back again')
    })
  }

  test('of a confirmation is not made any more once its subscription has expired, nor does its token confirm', async () => {
    const topicArn = await createTopic(sns)
    await using late = await startTestSubscriber({ authority: readAuthority(stack) })
    late.answer = (_request, response) => response.writeHead(503).end()
    const droppedBefore = await redis.counted('sealcast_deliveries_dropped_total', 'reason="subscription"')
    await sns.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: 'https', Endpoint: late.url }))
    const [confirmation] = await late.receive('SubscriptionConfirmation', 1)
    const recordMac = createRecordMac(await readRecordSecrets(join(stack.home, 'secrets')))
    const catalog = createCatalog({ redis: redis.redis, recordMac, onForged: ({ kind }) => assert.fail(kind) })
    const [pending] = (await catalog.readSubscriptions(topicArn)).subscriptions
    assert.equal(pending?.state, 'pending')
    const longAgo = { createdAt: pending.createdAt - THREE_DAYS_MS, pendingSince: pending.createdAt - THREE_DAYS_MS }
    assert.ok(await catalog.putSubscription({ ...pending, ...longAgo }, { replaces: pending }))
    await until(
      'its retry is dropped',
      async () => (await redis.counted('sealcast_deliveries_dropped_total', 'reason="subscription"')) > droppedBefore,
    )
    assert.ok(late.received.length < 4, 'not all of its retries were made')
    const { status } = await visit(confirmation?.json.SubscribeURL)
    assert.equal(status, 404)
    await publish(sns, topicArn, 'to nobody')
    await untilFinished(stack)
    assert.ok(late.received.every(({ json }) => json.Type === 'SubscriptionConfirmation'))
  })

  function visit(url: string | undefined): Promise<Response> {
    return fetch(url ?? '')
  }

  function signingHost(): string {
    return new URL(stack.clientConfig.endpoint).host
  }
})
