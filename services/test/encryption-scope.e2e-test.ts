/**
 * What encryption covers, read from the raw entries in Redis: the body and nothing else, of messages accepted while
 * the topic had its key and of no others, under the key it had then.
 */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { KMSClient } from '@aws-sdk/client-kms'
import {
  GetTopicAttributesCommand,
  PublishBatchCommand,
  PublishCommand,
  SetTopicAttributesCommand,
  type SNSClient,
} from '@aws-sdk/client-sns'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  redisCli,
  snsClient,
  subscribeAndConfirm,
  trustStack,
  untilFinished,
} from './messaging.ts'
import { messagesOf, type RedisAttacker, startRedisAttacker } from './redis-attacker.ts'
import { type Stack, startStack } from './start-stack.ts'
import { type StoredMessage, untilStored } from './stored-messages.ts'

/** An envelope's beginning: magic, version, suite. */
const ENVELOPE = Buffer.from('53430101', 'hex')

suite('encryption at rest', () => {
  let stack: Stack
  let sns: SNSClient
  let kms: KMSClient
  let keyArn: string
  let reader: RedisAttacker

  before(async () => {
    // A failed message's retry is due after a second: its record can be read meanwhile.
    stack = await startStack({ env: { SEALCAST_RETRY_SECOND_MS: '50' } })
    trustStack(stack)
    sns = snsClient(stack)
    kms = kmsClient(stack)
    keyArn = await createKey(kms)
    reader = await startRedisAttacker(stack)
    // Compressed, a snapshot could hold a body that no search finds.
    await redisCli(stack, 'CONFIG', 'SET', 'rdbcompression', 'no')
  })

  after(async () => {
    // Stopped by a test that failed it could not end.
    stack.signal('delivery', 'SIGCONT')
    for (const client of [sns, kms]) client.destroy()
    await reader[Symbol.asyncDispose]()
    await stack[Symbol.asyncDispose]()
  })

  test('covers the body alone: subject, attributes, ids, times and names rest in clear', async () => {
    const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    const [body, inBatch, subject, attribute, group] = ['b', 'c', 's', 'a', 'g'].map((kind) => `${kind}${mark()}`)
    const message = JSON.stringify({ default: body, https: `${body} for https` })
    const header = {
      Subject: subject,
      MessageStructure: 'json',
      MessageGroupId: group,
      MessageAttributes: {
        kind: { DataType: 'String', StringValue: attribute },
        bytes: { DataType: 'Binary', BinaryValue: Buffer.from([0, 1]) },
      },
    }
    stack.signal('delivery', 'SIGSTOP')
    try {
      const sentAt = Date.now()
      const single = await sns.send(new PublishCommand({ TopicArn: topicArn, Message: message, ...header }))
      const batch = await sns.send(
        new PublishBatchCommand({
          TopicArn: topicArn,
          PublishBatchRequestEntries: [{ Id: 'one', Message: String(inBatch) }],
        }),
      )
      const { fields } = await untilStored(reader.redis, single.MessageId ?? '', 'stream')
      const text = (name: string) => String(fields.get(name))
      assert.equal(text('id'), single.MessageId)
      assert.equal(text('topic'), topicArn)
      assert.equal(text('principal'), 'arn:aws:iam::000000000000:user/admin')
      assert.equal(text('subject'), subject)
      assert.equal(text('structure'), 'json')
      assert.equal(text('group'), group)
      const attributes = [
        ['kind', 'String', attribute],
        ['bytes', 'Binary', 'AAE='],
      ]
      assert.deepEqual(JSON.parse(text('attributes')), attributes)
      assert.ok(Number(text('at')) >= sentAt && Number(text('at')) <= Date.now())
      assert.equal(text('key'), keyArn)
      for (const [name, value] of fields) assert.ok(!value.includes(body ?? ''), name)
      assertSealed(fields.get('body'), message)
      const second = await untilStored(reader.redis, batch.Successful?.[0]?.MessageId ?? '', 'stream')
      assertSealed(second.fields.get('body'), String(inBatch))

      await redisCli(stack, 'SAVE')
      const files = await redisFiles()
      const holding = (text: string) => files.filter(({ content }) => content.includes(text)).map(({ name }) => name)
      // What is in clear is found in both, so a body would be.
      for (const clear of [subject, attribute, group].map(String)) {
        assert.ok(
          holding(clear).some((name) => name.endsWith('.aof')),
          `${clear} in AOF`,
        )
        assert.ok(holding(clear).includes('dump.rdb'), `${clear} in RDB`)
      }
      for (const sealed of [body, inBatch].map(String)) assert.deepEqual(holding(sealed), [], 'a body in clear')
    } finally {
      stack.signal('delivery', 'SIGCONT')
    }
    await subscriber.until(() => messagesOf(subscriber).length === 2)
    assert.deepEqual(messagesOf(subscriber).toSorted(), [`${body} for https`, inBatch].toSorted())
  })

  test('when it is turned on leaves the backlog as it is, and delivers it', async () => {
    const stage = await prepare({})
    await using _ = stage.subscriber
    await stage.fillBacklog('before')
    const before = await stage.readAll()
    await stage.setKey(keyArn)
    await stage.publishNow('after')
    const all = await stage.readAll()
    for (const [name, { fields, place }] of before) {
      assert.equal(String(fields.get('body')), name, place)
      for (const field of ['sealed', 'edk', 'key']) assert.ok(!fields.has(field), `${place}: ${field}`)
      assert.deepEqual(all.get(name), before.get(name), `${place} is as it was`)
    }
    const sealed = all.get('after')
    assert.equal(String(sealed?.fields.get('key')), keyArn)
    assertSealed(sealed?.fields.get('body'), 'after')
    await stage.deliverAll()
  })

  test('when it is turned off leaves sealed messages sealed, and delivers them', async () => {
    const stage = await prepare({ KmsMasterKeyId: keyArn })
    await using _ = stage.subscriber
    await stage.fillBacklog('before')
    const before = await stage.readAll()
    await stage.setKey('')
    assert.equal(await stage.readKey(), undefined)
    await stage.publishNow('after')
    const all = await stage.readAll()
    for (const [name, { fields, place }] of before) {
      assertSealed(fields.get('body'), name)
      assert.equal(String(fields.get('key')), keyArn, place)
      assert.deepEqual(all.get(name), before.get(name), `${place} is as it was`)
    }
    const after = all.get('after')?.fields
    assert.equal(String(after?.get('body')), 'after')
    for (const field of ['sealed', 'edk', 'key']) assert.ok(!after?.has(field), field)
    await stage.deliverAll()
  })

  test('under another key covers new messages only: older ones keep their key, data key and bytes', async () => {
    const otherKeyArn = await createKey(kms)
    const stage = await prepare({ KmsMasterKeyId: keyArn })
    await using _ = stage.subscriber
    await stage.fillBacklog('before')
    const before = await stage.readAll()
    await stage.setKey(otherKeyArn)
    assert.equal(await stage.readKey(), otherKeyArn)
    await stage.publishNow('after')
    const all = await stage.readAll()
    for (const [name, { fields, place }] of before) {
      assert.equal(String(fields.get('key')), keyArn, place)
      assert.deepEqual(all.get(name), before.get(name), `${place} is as it was`)
    }
    const after = all.get('after')?.fields
    assert.equal(String(after?.get('key')), otherKeyArn)
    assertSealed(after?.get('body'), 'after')
    for (const { fields } of before.values()) assert.notDeepEqual(after?.get('edk'), fields.get('edk'))
    await stage.deliverAll()
  })

  /** A topic with a subscriber that is slow or fails at first, by what the message says. */
  async function prepare(attributes: Record<string, string>) {
    const topicArn = await createTopic(sns, attributes)
    const subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    const { answer } = subscriber
    const ids = new Map<string, string>()
    const kept: (() => void)[] = []
    subscriber.answer = (request, response) => {
      const text = request.json.Message ?? ''
      const times = messagesOf(subscriber).filter((one) => one === text).length
      if (text.startsWith('retry ') && times === 1) response.writeHead(503).end()
      else if (text.startsWith('backlog ') && times === 1) kept.push(() => answer(request, response))
      else answer(request, response)
    }
    const publishNow = async (name: string) => {
      ids.set(name, await publish(sns, topicArn, name))
    }
    return {
      subscriber,
      publishNow,
      /** One message in each place; from then on the worker stands still. */
      async fillBacklog(name: string) {
        for (const place of ['backlog', 'retry'] as const) {
          await publishNow(`${place} ${name}`)
          await untilStored(reader.redis, ids.get(`${place} ${name}`) ?? '', place)
        }
        stack.signal('delivery', 'SIGSTOP')
        await publishNow(`stream ${name}`)
      },
      async readAll(): Promise<ReadonlyMap<string, StoredMessage>> {
        const read = [...ids].map(async ([name, id]) => {
          const place = (['backlog', 'retry'] as const).find((one) => name.startsWith(one)) ?? 'stream'
          return [name, await untilStored(reader.redis, id, place)] as const
        })
        return new Map(await Promise.all(read))
      },
      setKey: (AttributeValue: string) =>
        sns.send(
          new SetTopicAttributesCommand({ TopicArn: topicArn, AttributeName: 'KmsMasterKeyId', AttributeValue }),
        ),
      async readKey() {
        const { Attributes } = await sns.send(new GetTopicAttributesCommand({ TopicArn: topicArn }))
        return Attributes?.KmsMasterKeyId
      },
      async deliverAll() {
        stack.signal('delivery', 'SIGCONT')
        for (const one of kept) one()
        await subscriber.until(() => [...ids.keys()].every((name) => messagesOf(subscriber).includes(name)))
        await untilFinished(stack)
      },
    }
  }

  async function redisFiles(): Promise<{ name: string; content: Buffer }[]> {
    const entries = await readdir(join(stack.home, 'redis'), { recursive: true, withFileTypes: true })
    const files = entries.filter((entry) => entry.isFile())
    return Promise.all(
      files.map(async ({ parentPath, name }) => ({ name, content: await readFile(join(parentPath, name)) })),
    )
  }
})

function assertSealed(envelope: Buffer | undefined, body: string): void {
  assert.deepEqual(envelope?.subarray(0, ENVELOPE.byteLength), ENVELOPE)
  assert.equal(envelope?.byteLength, Buffer.byteLength(body) + 80)
  assert.ok(!envelope?.includes(body))
}

function mark(): string {
  return `mark${randomBytes(8).toString('hex')}`
}
