/** Failed deliveries are tried again by reference, and only those that can succeed. */

import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { SNSClient } from '@aws-sdk/client-sns'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  readMetrics,
  redisCli,
  snsClient,
  subscribeAndConfirm,
  trustStack,
  untilFinished,
} from './messaging.ts'
import { type Stack, startStack } from './start-stack.ts'

suite('a delivery that fails', () => {
  let stack: Stack
  let sns: SNSClient
  let keyArn: string

  before(async () => {
    // SNS's 20 s between attempts become 400 ms.
    stack = await startStack({ env: { SEALCAST_RETRY_SECOND_MS: '20' } })
    trustStack(stack)
    sns = snsClient(stack)
    const kms = kmsClient(stack)
    keyArn = await createKey(kms)
    kms.destroy()
  })

  after(async () => {
    sns.destroy()
    await stack[Symbol.asyncDispose]()
  })

  test('with 503 twice succeeds at the third attempt, sealed while it waits', async () => {
    const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    let attempts = 0
    subscriber.answer = (_request, response) => response.writeHead(++attempts <= 2 ? 503 : 200).end()
    const messageId = await publish(sns, topicArn, 'worth a second attempt')
    await subscriber.receive('Notification', 1)
    const record = await redisCli(stack, '--scan', '--pattern', `sealcast:{p:*}:body:${messageId}`)
    if (record !== '') assert.ok(!(await redisCli(stack, 'HGETALL', record)).includes('second attempt'))
    const notifications = await subscriber.receive('Notification', 3)
    assert.equal(notifications.length, 3)
    assert.equal(new Set(notifications.map(({ body }) => body)).size, 1, 'every attempt sends the same bytes')
    await untilFinished(stack)
    assert.equal(attempts, 3)
  })

  test('with 500 every time is given up after SNS’s three retries and counted', async () => {
    const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    subscriber.answer = (_request, response) => response.writeHead(500).end()
    const failedBefore = await failedNotifications()
    await publish(sns, topicArn, 'in vain')
    await subscriber.receive('Notification', 4)
    await untilFinished(stack)
    assert.equal(subscriber.received.filter(({ json }) => json.Type === 'Notification').length, 4)
    assert.equal((await failedNotifications()) - failedBefore, 1)
  })

  test('with 404 is not tried again', async () => {
    const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    subscriber.answer = (_request, response) => response.writeHead(404).end()
    await publish(sns, topicArn, 'unwelcome')
    await subscriber.receive('Notification', 1)
    await untilFinished(stack)
    assert.equal(subscriber.received.filter(({ json }) => json.Type === 'Notification').length, 1)
  })

  test('with a redirect is neither followed nor tried again', async () => {
    await using elsewhere = await subscribeAndConfirm(stack, { sns, topicArn: await createTopic(sns) })
    const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    subscriber.answer = (_request, response) => response.writeHead(302, { location: elsewhere.url }).end()
    await publish(sns, topicArn, 'not for elsewhere')
    await subscriber.receive('Notification', 1)
    await untilFinished(stack)
    assert.deepEqual(
      elsewhere.received.filter(({ json }) => json.Type === 'Notification'),
      [],
    )
  })

  async function failedNotifications(): Promise<number> {
    const [count] = (await readMetrics(stack)).flatMap((text) =>
      [...text.matchAll(/^sealcast_notifications_failed_total(?:\{[^}]*\})? (\d+)$/gm)].map(([, value]) =>
        Number(value),
      ),
    )
    return count ?? 0
  }
})
