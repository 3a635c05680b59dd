/**
 * Whoever writes Redis, and may even use the topic's KMS key, has no sealed message delivered that is not as it was
 * sealed, wherever it rests: each attempt ends in quarantine, with an alarm, and the partition goes on.
 */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { DisableKeyCommand, EnableKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { ListTopicsCommand, type SNSClient } from '@aws-sdk/client-sns'
import { ADMINISTRATOR_ACCESS, addPrincipal } from '#shared/principals'
import { keys } from '#shared/stream-log'
import { startTestKms } from '#shared/test-kms'
import { assertRefused } from './assert-refused.ts'
import { bitFlips, type Forgery, forgeriesOfSealed, sampledBitFlips } from './forged-entries.ts'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  servedByKms,
  snsClient,
  subscribeAndConfirm,
  trustStack,
} from './messaging.ts'
import {
  type Fields,
  fieldsOf,
  knownDataKey,
  messagesOf,
  type RedisAttacker,
  startRedisAttacker,
} from './redis-attacker.ts'
import { type Stack, startStack } from './start-stack.ts'
import { untilStored } from './stored-messages.ts'
import type { TestSubscriber } from './test-subscriber.ts'
import { until } from './until.ts'

/** What a subscriber gets while the attacker gathers what he needs. */
const OF_PREPARATION = ['other', 'of another publisher']

suite('a sealed message that somebody altered in Redis', () => {
  let stack: Stack
  let sns: SNSClient
  let otherPublisher: SNSClient
  let kms: KMSClient
  let keyArn: string
  let attacker: RedisAttacker
  let otherKms: KMSClient
  let otherKmsKeyArn: string
  const cleanup = new AsyncDisposableStack()

  before(async () => {
    // A retry is due after two seconds: time to alter what waits for it.
    stack = await startStack({ env: { SEALCAST_RETRY_SECOND_MS: '100', SEALCAST_KEY_PROBE_MS: '1000' } })
    trustStack(stack)
    sns = snsClient(stack)
    kms = kmsClient(stack)
    keyArn = await createKey(kms)
    attacker = await startRedisAttacker(stack)
    const { endpoint, user } = cleanup.use(await startTestKms())
    otherKms = new KMSClient({ endpoint, region: 'us-east-1', credentials: user })
    otherKmsKeyArn = await createKey(otherKms)
    const file = join(stack.home, 'principals.json')
    otherPublisher = snsClient(
      stack,
      await addPrincipal(file, { arn: 'arn:aws:iam::000000000000:user/other', policies: ADMINISTRATOR_ACCESS }),
    )
    await until('the publisher is known', () => otherPublisher.send(new ListTopicsCommand({})).catch(() => undefined))
  })

  after(async () => {
    for (const client of [sns, otherPublisher, kms, otherKms]) client.destroy()
    await cleanup.disposeAsync()
    await attacker[Symbol.asyncDispose]()
    await stack[Symbol.asyncDispose]()
  })

  test('by any one bit of its entry is quarantined, never delivered, and KMS is not asked', async (t) => {
    const { topicArn, subscriber, copy } = await prepare()
    await using _ = subscriber
    const genuine = await copy('short', {
      Subject: 'Order',
      MessageGroupId: 'g',
      MessageAttributes: { kind: { DataType: 'String', StringValue: 'new' } },
    })
    const forgeries = [...bitFlips(genuine)]
    await assertRefusedUnasked(topicArn, forgeries)
    await assertGoesOn(topicArn, subscriber, [...OF_PREPARATION, 'short'])
    t.diagnostic(`${forgeries.length} bits of the fields ${[...genuine.keys()].join(', ')}`)
  })

  test('moved, resealed or given another data key is quarantined, never delivered, and KMS is not asked', async () => {
    const { topicArn, subscriber, copy, forgeriesOf } = await prepare()
    await using _ = subscriber
    await assertRefusedUnasked(topicArn, forgeriesOf(await copy('genuine')))
    await assertGoesOn(topicArn, subscriber, [...OF_PREPARATION, 'genuine'])
  })

  test('while it waits for a retry is refused with an alarm, never delivered', async () => {
    const { topicArn, subscriber, forgeriesOf } = await prepare()
    await using _ = subscriber
    const countedBefore = await attacker.counted('sealcast_entries_quarantined_total')
    const timesReceived = (text: string) => messagesOf(subscriber).filter((one) => one === text).length
    subscriber.answer = ({ json: { Message: text = '' } }, response) =>
      void response.writeHead(text.startsWith('retried') && timesReceived(text) === 1 ? 503 : 200).end()
    const altered = await alterEach(topicArn, { name: 'retried', place: 'retry', forgeriesOf })
    await publish(sns, topicArn, 'retried unharmed')
    await subscriber.until(() => timesReceived('retried unharmed') === 2)
    await untilRefused(altered, { countedBefore })
    const texts = altered.map(({ text }) => text)
    await assertGoesOn(topicArn, subscriber, [...OF_PREPARATION, ...texts, 'retried unharmed', 'retried unharmed'])
  })

  test('while it waits for its endpoint is refused with an alarm, never delivered', async () => {
    const { topicArn, subscriber, forgeriesOf } = await prepare()
    await using _ = subscriber
    const { answer } = subscriber
    subscriber.answer = () => undefined
    const altered = await alterEach(topicArn, { name: 'waiting', place: 'backlog', forgeriesOf })
    await untilStored(attacker.redis, await publish(sns, topicArn, 'waiting unharmed'), 'backlog')
    subscriber.answer = answer
    // Its successor has nothing but what lies in Redis.
    await stack.killAndWaitForRestart('delivery')
    const times = (text: string) => messagesOf(subscriber).filter((one) => one === text).length
    await untilRefused(altered, { countedBefore: 0 })
    await subscriber.until(() => times('waiting unharmed') > 0, 30_000)
    // Attempts that hung may have been at genuine messages, once each, before they were altered.
    const before = altered.map(({ text }) => text).filter((text) => times(text) > 0)
    const unharmed = Array.from({ length: times('waiting unharmed') }, () => 'waiting unharmed')
    await assertGoesOn(topicArn, subscriber, [...OF_PREPARATION, ...before, ...unharmed])
  })

  test('while it waits for its KMS key is quarantined once the key works, never delivered, and holds nobody up', async () => {
    const ownKeyArn = await createKey(kms)
    const { topicArn, subscriber, forgeriesOf } = await prepare({ key: ownKeyArn })
    await using _ = subscriber
    await kms.send(new DisableKeyCommand({ KeyId: ownKeyArn }))
    // This one has opened the data key; its successor has not.
    await stack.killAndWaitForRestart('delivery')
    await publish(sns, topicArn, 'held')
    const line = keys.heldKey(attacker.partitionOf(topicArn), ownKeyArn)
    const readLine = () => attacker.redis.xrangeBuffer(line, '-', '+')
    const [id, parts] = await until('it is held', async () => (await readLine())[0], 30_000)
    const genuine = fieldsOf(parts)
    // The forgeries are put first in line, where a probe looks for a data key.
    await attacker.redis.xdel(line, id)
    const letGo = async () => {
      await attacker.addEntries(attacker.partitionOf(topicArn), [genuine], line)
      await kms.send(new EnableKeyCommand({ KeyId: ownKeyArn }))
    }
    await assertRefused(attacker, topicArn, forgeriesOf(genuine), { stream: line, afterwards: letGo })
    await subscriber.until(() => messagesOf(subscriber).includes('held'))
    await assertGoesOn(topicArn, subscriber, [...OF_PREPARATION, 'held'])
  })

  async function assertRefusedUnasked(topicArn: string, forgeries: readonly Forgery[]): Promise<void> {
    const servedBefore = await servedByKms(stack)
    await assertRefused(attacker, topicArn, forgeries)
    assert.deepEqual(await servedByKms(stack), servedBefore)
  }

  /** A topic with a subscriber, and all that an attacker can lay hands on to put into an entry's place. */
  async function prepare({ key = keyArn } = {}) {
    const topicArn = await createTopic(sns, { KmsMasterKeyId: key })
    const subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    const copy = (message: string, header = {}, client = sns) =>
      attacker.copyMessage({ sns: client, topicArn, subscriber, message, header })
    const foreignTopic = await createTopic(sns, { KmsMasterKeyId: await createKey(kms) })
    await using elsewhere = await subscribeAndConfirm(stack, { sns, topicArn: foreignTopic })
    const { edk } = await knownDataKey(otherKms, { keyArn: otherKmsKeyArn, topicArn })
    const material = {
      other: await copy('other'),
      ofOtherPublisher: await copy('of another publisher', {}, otherPublisher),
      foreign: await attacker.copyMessage({ sns, topicArn: foreignTopic, subscriber: elsewhere, message: 'foreign' }),
      known: await knownDataKey(kms, { keyArn: key, topicArn }),
      ofOtherKms: { edk, key: otherKmsKeyArn },
    }
    await attacker.untilSettled()
    const forgeriesOf = (genuine: Fields): Forgery[] => [
      ...forgeriesOfSealed({ genuine, ...material }),
      ...sampledBitFlips(genuine),
    ]
    return { topicArn, subscriber, copy, forgeriesOf }
  }

  /** One message for each forgery: published, and altered where it waits. */
  async function alterEach(
    topicArn: string,
    o: { name: string; place: 'retry' | 'backlog'; forgeriesOf: (genuine: Fields) => Forgery[] },
  ): Promise<{ text: string; messageId: string }[]> {
    const alter = async (n: number) => {
      const text = `${o.name} ${String(n).padStart(3, '0')}`
      const messageId = await publish(sns, topicArn, text)
      const { partition, fields } = await untilStored(attacker.redis, messageId, o.place)
      const forgeries = o.forgeriesOf(fields)
      const forged = [...(forgeries[n]?.fields ?? [])] as [string, Buffer][]
      const record = keys.bodyKey(partition, messageId)
      const change = attacker.redis.multi().hdel(record, ...[...fields.keys()].map((name) => `e:${name}`))
      for (const [name, value] of forged) change.hset(record, `e:${name}`, value)
      await change.exec()
      return { text, messageId, count: forgeries.length }
    }
    const first = await alter(0)
    return [first, ...(await Promise.all(Array.from({ length: first.count - 1 }, (_, n) => alter(n + 1))))]
  }

  async function untilRefused(
    altered: readonly { messageId: string }[],
    { countedBefore }: { countedBefore: number },
  ): Promise<void> {
    const isAlarmed = () => {
      const alarmed = attacker.alarmed('body.refused', 'messageId')
      return altered.every(({ messageId }) => alarmed.has(messageId))
    }
    await until('an alarm for each', isAlarmed, 30_000)
    const counted = await attacker.counted('sealcast_entries_quarantined_total')
    assert.ok(counted - countedBefore >= altered.length, `${counted} counted`)
  }

  /** The partition serves the next message; `before` are all that were ever received. */
  async function assertGoesOn(topicArn: string, subscriber: TestSubscriber, before: readonly string[]): Promise<void> {
    await publish(sns, topicArn, 'last')
    await subscriber.until(() => messagesOf(subscriber).includes('last'))
    assert.deepEqual(messagesOf(subscriber).toSorted(), [...before, 'last'].toSorted())
  }
})
