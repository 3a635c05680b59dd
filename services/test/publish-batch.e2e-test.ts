/** Batches on their way to a real endpoint, with real Redis and KMS: what one call promises for ten messages. */

import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { DisableKeyCommand, EnableKeyCommand, type KMSClient } from '@aws-sdk/client-kms'
import { PublishBatchCommand, PublishCommand, SNSClient, SNSServiceException } from '@aws-sdk/client-sns'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  readMetrics,
  redisCli,
  servedByKms,
  snsClient,
  subscribeAndConfirm,
  trustStack,
  untilFinished,
} from './messaging.ts'
import { type Stack, startStack } from './start-stack.ts'
import { verifySignature } from './test-subscriber.ts'

suite('PublishBatch', () => {
  let stack: Stack
  let sns: SNSClient
  /** Shows the first answer rather than what comes of retries. */
  let impatient: SNSClient
  let kms: KMSClient
  let keyArn: string

  before(async () => {
    stack = await startStack()
    trustStack(stack)
    sns = snsClient(stack)
    impatient = new SNSClient({ ...stack.clientConfig, maxAttempts: 1 })
    kms = kmsClient(stack)
    keyArn = await createKey(kms)
  })

  after(async () => {
    sns.destroy()
    impatient.destroy()
    kms.destroy()
    await stack[Symbol.asyncDispose]()
  })

  for (const sealed of [true, false]) {
    test(`delivers each good message of a mixed batch on its own, ${sealed ? 'sealed' : 'unsealed'}`, async () => {
      const topicArn = await createTopic(sns, sealed ? { KmsMasterKeyId: keyArn } : {})
      await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
      const { Successful, Failed } = await sns.send(
        new PublishBatchCommand({
          TopicArn: topicArn,
          PublishBatchRequestEntries: [
            { Id: 'plain', Message: 'one "é" \u{1F34A}\n' },
            { Id: 'empty', Message: '' },
            {
              Id: 'full',
              Message: 'two',
              Subject: 'Order 7',
              MessageGroupId: 'customer-7',
              MessageAttributes: {
                kind: { DataType: 'String.Array', StringValue: '["new",1]' },
                weight: { DataType: 'Number.kg', StringValue: '0012.50' },
                proof: { DataType: 'Binary.png', BinaryValue: Buffer.from([0, 255, 1]) },
              },
            },
            { Id: 'bad-subject', Message: 'three', Subject: 'a\nb' },
            { Id: 'long', Message: 'x'.repeat(200_000) },
          ],
        }),
      )
      assert.deepEqual(
        Successful?.map(({ Id }) => Id),
        ['plain', 'full', 'long'],
      )
      assert.deepEqual(Failed, [
        { Id: 'empty', Code: 'InvalidParameter', Message: 'Invalid parameter: Empty message', SenderFault: true },
        { Id: 'bad-subject', Code: 'InvalidParameter', Message: 'Invalid parameter: Subject', SenderFault: true },
      ])
      const notifications = await subscriber.receive('Notification', 3)
      const { host } = new URL(stack.clientConfig.endpoint)
      for (const notification of notifications) await verifySignature(notification, host)
      const received = new Map(notifications.map(({ json }) => [json.MessageId, json]))
      const [plain, full, long] = (Successful ?? []).map(({ MessageId }) => received.get(MessageId ?? ''))
      assert.equal(plain?.Message, 'one "é" \u{1F34A}\n')
      assert.equal(plain?.Subject, undefined)
      assert.equal(full?.Message, 'two')
      assert.equal(full?.Subject, 'Order 7')
      assert.deepEqual(full?.MessageAttributes, {
        kind: { Type: 'String.Array', Value: '["new",1]' },
        weight: { Type: 'Number.kg', Value: '0012.50' },
        proof: { Type: 'Binary.png', Value: 'AP8B' },
      })
      assert.equal(long?.Message?.length, 200_000)
      await untilFinished(stack)
      assert.equal((await subscriber.receive('Notification', 3)).length, 3)
    })
  }

  test('costs two KMS calls per publisher and period, together with single publishes', async () => {
    const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    const servedBefore = await servedByKms(stack)
    const bodies = Array.from({ length: 100 }, (_, n) => `message ${n}`)
    const batches = Array.from({ length: 10 }, (_, n) => bodies.slice(n * 10, n * 10 + 10))
    await Promise.all(batches.map((batch) => publishBatch(sns, topicArn, batch)))
    await publish(sns, topicArn, 'message alone')
    const notifications = await subscriber.receive('Notification', 101)
    const served = await servedByKms(stack)
    assert.equal((served.GenerateDataKey ?? 0) - (servedBefore.GenerateDataKey ?? 0), 1)
    assert.equal((served.Decrypt ?? 0) - (servedBefore.Decrypt ?? 0), 1)
    assert.deepEqual(new Set(notifications.map(({ json }) => json.Message)), new Set([...bodies, 'message alone']))
    await untilFinished(stack)
  })

  test('rests in Redis as ciphertext, structure and group readable and the rest of it bound', async () => {
    const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
    stack.signal('delivery', 'SIGSTOP')
    try {
      const texts = JSON.stringify({ default: 'crates for all', https: 'crates for the web' })
      await sns.send(
        new PublishBatchCommand({
          TopicArn: topicArn,
          PublishBatchRequestEntries: [
            { Id: 'a', Message: texts, MessageStructure: 'json', MessageGroupId: 'visible-group' },
            { Id: 'b', Message: 'crates of oranges' },
          ],
        }),
      )
      await sns.send(new PublishCommand({ TopicArn: topicArn, Message: texts, MessageStructure: 'json' }))
      const streams = (await redisCli(stack, '--scan', '--pattern', 'sealcast:{p:*}:stream')).split('\n')
      const contents = await Promise.all(streams.map((stream) => redisCli(stack, 'XRANGE', stream, '-', '+')))
      const [entries = ''] = contents.filter((content) => content.includes(topicArn))
      assert.equal(entries.match(/^mac$/gm)?.length, 3)
      assert.equal(entries.match(/^structure$/gm)?.length, 2)
      assert.match(entries, /^visible-group$/m)
      assert.ok(!contents.some((content) => content.includes('crates')))
    } finally {
      stack.signal('delivery', 'SIGCONT')
    }
    await untilFinished(stack)
  })

  test('is counted by its messages and measured by its call', async () => {
    const topicArn = await createTopic(sns)
    const before = await published()
    const answer = await publishBatch(sns, topicArn, ['12345', '', '1234567890'])
    assert.equal(answer.Failed?.length, 1)
    const now = await published()
    assert.deepEqual(
      now.map((value, at) => value - (before[at] ?? 0)),
      [2, 1, 15],
    )
    await untilFinished(stack)
  })

  test('stores nothing when KMS refuses, and all of it once KMS agrees', async () => {
    const disabled = await createKey(kms)
    const topicArn = await createTopic(sns, { KmsMasterKeyId: disabled })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    await kms.send(new DisableKeyCommand({ KeyId: disabled }))
    await assert.rejects(publishBatch(sns, topicArn, ['refused 1', 'refused 2']), { name: 'KMSDisabledException' })
    await kms.send(new EnableKeyCommand({ KeyId: disabled }))
    await untilAccepted(topicArn, ['accepted 1', 'accepted 2'])
    const notifications = await subscriber.receive('Notification', 2)
    await untilFinished(stack)
    assert.deepEqual(notifications.map(({ json }) => json.Message).sort(), ['accepted 1', 'accepted 2'])
  })

  test('during an outage of Redis answers 503 and tells whether it may be stored: all of it or nothing', async () => {
    const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    const batch = ['outage 1', 'outage 2', 'outage 3']
    await untilAccepted(topicArn, ['before'])
    stack.signal('redis', 'SIGSTOP')
    const outcome = await publishBatch(impatient, topicArn, batch)
      .catch((error: unknown) => error)
      .finally(() => stack.signal('redis', 'SIGCONT'))
    assert.ok(outcome instanceof SNSServiceException, `refused, not ${JSON.stringify(outcome)}`)
    assert.equal(outcome.name, 'ServiceUnavailable')
    assert.equal(outcome.$metadata.httpStatusCode, 503)
    assert.match(outcome.message, /may or may not have been stored|was not stored/)
    await untilAccepted(topicArn, ['after'])
    const bodies = () => subscriber.received.map(({ json }) => json.Message)
    await subscriber.until(() => bodies().includes('after'))
    await untilFinished(stack)
    const arrived = batch.filter((body) => bodies().includes(body)).length
    assert.ok(arrived === 0 || arrived === batch.length, `${arrived} of ${batch.length} were stored`)
    if (/was not stored/.test(outcome.message)) assert.equal(arrived, 0)
  })

  /** As a publisher would that goes on trying. */
  async function untilAccepted(topicArn: string, bodies: readonly string[]): Promise<void> {
    const deadline = performance.now() + 10_000
    for (;;) {
      try {
        await publishBatch(sns, topicArn, bodies)
        return
      } catch (error) {
        if (performance.now() > deadline) throw error
      }
    }
  }

  /** Messages published, publish calls, and their bytes. */
  async function published(): Promise<number[]> {
    const text = (await readMetrics(stack)).join('\n')
    const seriesValue = (series: string) => Number(new RegExp(`^${series} (\\S+)$`, 'm').exec(text)?.[1] ?? 0)
    return [
      seriesValue('sealcast_messages_published_total\\{sealed="false"\\}'),
      seriesValue('sealcast_publish_size_bytes_count'),
      seriesValue('sealcast_publish_size_bytes_sum'),
    ]
  }
})

function publishBatch(sns: SNSClient, TopicArn: string, bodies: readonly string[]) {
  const entries = bodies.map((Message, n) => ({ Id: String(n), Message }))
  return sns.send(new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries: entries }))
}
