/** One sealed message's whole way, by unmodified SDK clients, over TLS, past a real Redis and KMS. */

import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { KMSClient } from '@aws-sdk/client-kms'
import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  redisCli,
  servedByKms,
  snsClient,
  subscribeAndConfirm,
  trustStack,
  untilFinished,
} from './messaging.ts'
import { type Stack, startStack } from './start-stack.ts'
import { verifySignature } from './test-subscriber.ts'

const BODY = 'three crates of oranges, "PIN" 7f31\n\u00e9\u{1F34A}'

suite('a sealed message', () => {
  let stack: Stack
  let sns: SNSClient
  let kms: KMSClient
  let keyArn: string

  before(async () => {
    stack = await startStack()
    trustStack(stack)
    sns = snsClient(stack)
    kms = kmsClient(stack)
    keyArn = await createKey(kms)
  })

  after(async () => {
    sns.destroy()
    kms.destroy()
    await stack[Symbol.asyncDispose]()
  })

  for (const signatureVersion of ['1', '2'] as const) {
    test(`reaches an HTTPS subscriber in clear, signed with version ${signatureVersion}`, async () => {
      const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn, SignatureVersion: signatureVersion })
      await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
      const { MessageId: messageId } = await sns.send(
        new PublishCommand({
          TopicArn: topicArn,
          Subject: 'Order 7',
          Message: BODY,
          MessageAttributes: {
            kind: { DataType: 'String', StringValue: 'new' },
            weight: { DataType: 'Number', StringValue: '0012.50' },
            proof: { DataType: 'Binary', BinaryValue: Buffer.from([0, 255, 1]) },
          },
        }),
      )
      const [confirmation] = await subscriber.receive('SubscriptionConfirmation', 1)
      const [notification] = await subscriber.receive('Notification', 1)
      assert.ok(confirmation && notification)
      const { host } = new URL(stack.clientConfig.endpoint)
      await verifySignature(confirmation, host)
      await verifySignature(notification, host)

      const { json, headers } = notification
      assert.equal(json.SignatureVersion, signatureVersion)
      assert.equal(json.Message, BODY)
      assert.equal(json.Subject, 'Order 7')
      assert.equal(json.MessageId, messageId)
      assert.equal(json.TopicArn, topicArn)
      assert.deepEqual(json.MessageAttributes, {
        kind: { Type: 'String', Value: 'new' },
        weight: { Type: 'Number', Value: '0012.50' },
        proof: { Type: 'Binary', Value: 'AP8B' },
      })
      assert.equal(headers['x-amz-sns-message-type'], 'Notification')
      assert.equal(headers['x-amz-sns-message-id'], messageId)
      assert.equal(headers['x-amz-sns-topic-arn'], topicArn)
      assert.match(String(headers['x-amz-sns-subscription-arn']), new RegExp(`^${topicArn}:[0-9a-f-]{36}$`))
      assert.equal(headers['content-type'], 'text/plain; charset=UTF-8')
      assert.equal(headers['user-agent'], 'Amazon Simple Notification Service Agent')
      assert.equal(confirmation.headers['x-amz-sns-subscription-arn'], undefined)
    })
  }

  test('rests in Redis as ciphertext while it is on its way, subject and attributes readable', async () => {
    const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    const held = Promise.withResolvers<void>()
    subscriber.answer = (_request, response) => {
      held.promise.then(() => response.writeHead(200).end())
    }
    await sns.send(new PublishCommand({ TopicArn: topicArn, Subject: 'Visible subject', Message: BODY }))
    await subscriber.receive('Notification', 1)
    const streams = (await redisCli(stack, '--scan', '--pattern', 'sealcast:{p:*}:stream')).split('\n')
    const contents = await Promise.all(streams.map((stream) => redisCli(stack, 'XRANGE', stream, '-', '+')))
    const entry = contents.find((content) => content.includes(topicArn))
    assert.ok(entry, 'the entry is in a stream until it is settled')
    assert.match(entry, /^Visible subject$/m)
    assert.match(entry, new RegExp(`^${keyArn}$`, 'm'))
    assert.ok(!entry.includes('crates') && !entry.includes('7f31'))
    held.resolve()
    await untilFinished(stack)
  })

  test('costs two KMS calls per publisher and period, however many messages: 1,000 here', async () => {
    const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    const servedBefore = await servedByKms(stack)
    for (let batch = 0; batch < 20; batch++) {
      await Promise.all(Array.from({ length: 50 }, (_, n) => publish(sns, topicArn, `message ${batch * 50 + n}`)))
    }
    const notifications = await subscriber.receive('Notification', 1000, 60_000)
    const served = await servedByKms(stack)
    assert.equal((served.GenerateDataKey ?? 0) - (servedBefore.GenerateDataKey ?? 0), 1)
    assert.equal((served.Decrypt ?? 0) - (servedBefore.Decrypt ?? 0), 1)
    assert.equal(new Set(notifications.map(({ json }) => json.Message)).size, 1000)
    await untilFinished(stack)
  })

  test('without a subscriber is accepted and leaves nothing, unopened', async () => {
    const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
    const servedBefore = await servedByKms(stack)
    await publish(sns, topicArn, 'nobody listens')
    await untilFinished(stack)
    const served = await servedByKms(stack)
    assert.equal(served.Decrypt, servedBefore.Decrypt)
  })

  test('leaves nothing in Redis once it is delivered', async () => {
    await untilFinished(stack)
  })
})
