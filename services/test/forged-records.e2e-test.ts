/** Who can write Redis and holds no secret can delete, replay and delay; nothing he makes up is believed. */

import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KMSClient } from '@aws-sdk/client-kms'
import {
  SetSubscriptionAttributesCommand,
  SetTopicAttributesCommand,
  SNSClient,
  SubscribeCommand,
} from '@aws-sdk/client-sns'
import { keys } from '#shared/stream-log'
import { assertRefused } from './assert-refused.ts'
import { attackTopic } from './attack-topic.ts'
import { bytesOf, forgeriesOfPlain } from './forged-entries.ts'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  readAuthority,
  servedByKms,
  snsClient,
  subscribeAndConfirm,
  trustStack,
} from './messaging.ts'
import {
  knownDataKey,
  messagesOf,
  type RedisAttacker,
  startRedisAttacker,
  subscriptionsKey,
  topicKey,
} from './redis-attacker.ts'
import { type Stack, startStack } from './start-stack.ts'
import { startTestSubscriber } from './test-subscriber.ts'
import { until } from './until.ts'

const MEMBERS = 'sealcast:members:gateway'

suite('whoever writes Redis without a secret', () => {
  let stack: Stack
  let sns: SNSClient
  /** Does not try again. */
  let hasty: SNSClient
  let kms: KMSClient
  let keyArn: string
  let attacker: RedisAttacker

  before(async () => {
    // SNS's 20 s between attempts become 400 ms.
    stack = await startStack({ env: { SEALCAST_RETRY_SECOND_MS: '20' } })
    trustStack(stack)
    sns = snsClient(stack)
    hasty = new SNSClient({ ...stack.clientConfig, maxAttempts: 1 })
    kms = kmsClient(stack)
    keyArn = await createKey(kms)
    attacker = await startRedisAttacker(stack)
  })

  after(async () => {
    for (const client of [sns, hasty, kms]) client.destroy()
    await attacker[Symbol.asyncDispose]()
    await stack[Symbol.asyncDispose]()
  })

  test('cannot have a clear entry delivered that he altered or made up', async () => {
    const { topicArn, subscriber, copy } = await prepare({ sealed: false })
    await using _ = subscriber
    const genuine = await copy('first')
    await assertRefused(attacker, topicArn, forgeriesOfPlain(genuine, await copy('second')))
    await publish(sns, topicArn, 'last')
    await subscriber.receive('Notification', 3)
    assert.deepEqual(messagesOf(subscriber).toSorted(), ['first', 'last', 'second'])
  })

  test('can replay a message, also from another partition, as it was', async () => {
    const { partition, subscriber, copy } = await prepare()
    await using _ = subscriber
    const genuine = await copy('once')
    for (const one of [partition, (partition + 1) % 16]) await attacker.addEntries(one, [genuine])
    const replays = await subscriber.receive('Notification', 3)
    assert.equal(new Set(replays.map(({ body }) => body)).size, 1)
  })

  test('delays a message behind 1,000 entries of his by no more than their refusal takes', async () => {
    const { topicArn, partition, subscriber } = await prepare()
    await using _ = subscriber
    const junk = Array.from({ length: 1_000 }, (_, n) => ['v', '1', 'n', `${n}`, 'mac', 'x'])
    const ids = await attacker.addEntries(partition, junk)
    const startedAt = performance.now()
    await publish(sns, topicArn, 'behind them')
    await subscriber.receive('Notification', 1)
    assert.ok(performance.now() - startedAt < 5_000)
    await attacker.quarantineReasons(partition, ids)
  })

  test('cannot have a message stored in clear by taking the key off its topic', async () => {
    const { topicArn, partition, subscriber } = await prepare()
    await using _ = subscriber
    const plain = await createTopic(sns)
    await sleep(1_100) // The gateway trusts a topic that it has read for a second.
    const { redis } = attacker
    const key = topicKey(topicArn)
    const genuine = await redis.hgetall(key)
    const foreign = await redis.hgetall(topicKey(plain))
    const withoutKey = String(genuine.record).replace(/"kmsMasterKeyId":"[^"]*"/, '')
    assert.notEqual(withoutKey, genuine.record)
    const forgeries: [name: string, forgery: Record<string, string | undefined>][] = [
      ['record without the key', { record: withoutKey }],
      ['record of another topic', { record: foreign.record, mac: foreign.mac }],
      ['MAC of another topic', { mac: foreign.mac }],
      ['other incarnation', { incarnation: foreign.incarnation }],
    ]
    for (const [n, [name, forgery]] of forgeries.entries()) {
      await redis.hset(key, { ...genuine, ...forgery })
      await assert.rejects(publish(hasty, topicArn, 'in clear'), { name: 'InternalErrorException' }, name)
      await attacker.untilAlarmed('gateway', { kind: 'topic', topicArn }, n + 1)
      assert.equal(await redis.xlen(keys.streamKey(partition)), 0, name)
    }
    assert.equal(await attacker.counted('sealcast_records_forged_total', 'kind="topic"'), forgeries.length)
    await redis.hset(key, genuine)
    await publish(sns, topicArn, 'sealed again')
    await subscriber.receive('Notification', 1)
    await redis.hdel(key, 'version')
    await publish(sns, topicArn, 'without a version')
    await subscriber.receive('Notification', 2)
  })

  test('cannot subscribe an endpoint of his', async () => {
    const { topicArn, subscriber: signal } = await prepare()
    await using _ = signal
    const elsewhere = await prepare({ sealed: false })
    await using _elsewhere = elsewhere.subscriber
    const authority = readAuthority(stack)
    await using redirected = await subscribeAndConfirm(stack, { sns, topicArn })
    await using his = await startTestSubscriber({ authority })
    await using pending = await startTestSubscriber({ authority })
    await sns.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: 'https', Endpoint: pending.url }))
    await pending.receive('SubscriptionConfirmation', 1)

    const { redis } = attacker
    const key = subscriptionsKey(topicArn)
    const records = Object.entries(await redis.hgetall(key))
    const find = (url: string) => records.find(([, record]) => record.includes(url)) ?? ['', '']
    const [redirectedId, record] = find(redirected.url)
    const [pendingId, pendingRecord] = find(pending.url)
    const [[movedId, movedRecord] = ['', '']] = Object.entries(
      await redis.hgetall(subscriptionsKey(elsewhere.topicArn)),
    )
    const madeUpId = randomUUID()
    const forgeries = {
      [redirectedId]: record.replace(redirected.url, his.url),
      [randomUUID()]: record,
      [madeUpId]: record.replaceAll(redirectedId, madeUpId).replace(redirected.url, his.url),
      [pendingId]: pendingRecord.replace('"pending"', '"confirmed"'),
      [movedId]: movedRecord,
      [randomUUID()]: movedRecord.replaceAll(elsewhere.topicArn, topicArn),
    }
    await redis.hset(key, forgeries)
    const reload = () => redis.hset(topicKey(topicArn), 'version', randomBytes(16).toString('hex'))
    await reload()
    await publish(sns, topicArn, 'for subscribers')
    await signal.receive('Notification', 1)
    await attacker.untilSettled()
    for (const other of [redirected, pending, elsewhere.subscriber]) assert.deepEqual(messagesOf(other), [])
    assert.deepEqual(his.received, [])
    const count = Object.keys(forgeries).length
    assert.ok((await attacker.counted('sealcast_records_forged_total', 'kind="subscription"')) >= count)
    await attacker.untilAlarmed('delivery', { kind: 'subscription', topicArn }, count)

    await redis.hset(key, redirectedId, record)
    await reload()
    await publish(sns, topicArn, 'mended')
    await redirected.receive('Notification', 1)
  })

  test('cannot give a subscription the attributes of another, nor the indexes of subscriptions any say', async () => {
    const { topicArn, subscriber: signal } = await prepare()
    await using _ = signal
    await using raw = await subscribeAndConfirm(stack, { sns, topicArn })
    await using victim = await subscribeAndConfirm(stack, { sns, topicArn })
    const { redis } = attacker
    const key = subscriptionsKey(topicArn)
    const records = Object.entries(await redis.hgetall(key))
    const idOf = (url: string) => records.find(([, record]) => record.includes(url))?.[0] ?? ''
    await sns.send(
      new SetSubscriptionAttributesCommand({
        SubscriptionArn: `${topicArn}:${idOf(raw.url)}`,
        AttributeName: 'RawMessageDelivery',
        AttributeValue: 'true',
      }),
    )
    const withAttributes = await redis.hget(key, idOf(raw.url))
    await redis.hset(key, idOf(victim.url), withAttributes ?? '')
    await redis.hset(topicKey(topicArn), 'version', randomBytes(16).toString('hex'))
    await publish(sns, topicArn, 'raw')
    await signal.receive('Notification', 1)
    await attacker.untilSettled()
    assert.equal(raw.received.at(-1)?.body, 'raw')
    assert.equal(victim.received.length, 1)
    await attacker.untilAlarmed('delivery', { kind: 'subscription', topicArn })

    const tag = topicKey(topicArn).slice(0, -'topic'.length)
    for (const endpoint of await redis.hkeys(`${tag}endpoints`))
      await redis.hset(`${tag}endpoints`, endpoint, idOf(signal.url))
    await redis.zadd(`${tag}subscription-ids`, '0', randomUUID(), '0', 'x:y')
    await redis.sadd(`${tag}deleted`, idOf(signal.url))
    await redis.zadd(`${tag}pending`, '1', idOf(signal.url))
    await using other = await startTestSubscriber({ authority: readAuthority(stack) })
    const { SubscriptionArn: arn } = await sns.send(
      new SubscribeCommand({ TopicArn: topicArn, Protocol: 'https', Endpoint: other.url, ReturnSubscriptionArn: true }),
    )
    assert.ok(arn !== undefined && !records.some(([id]) => arn.endsWith(id)))
    await other.receive('SubscriptionConfirmation', 1)
    await publish(sns, topicArn, 'to those who subscribed')
    await signal.receive('Notification', 2)
    assert.deepEqual(messagesOf(other), [])
  })

  test('cannot speak as a gateway, nor hold up changes for longer than a gateway that died would', async () => {
    const { redis } = attacker
    const topicArn = await createTopic(sns)
    const ids = await redis.zrange(MEMBERS, '0', '-1')
    assert.equal(ids.length, 1)
    const [gatewayId = ''] = ids
    const mac = `0000000a.${'A'.repeat(43)}`
    const random = randomBytes(16).toString('hex')
    const notices = ['', 'x', 'x'.repeat(1_000_000), `${mac} ${random} ${gatewayId} ${topicArn}`]
    const acknowledgements = ['', 'x', `${mac} ${random} ${gatewayId}`]
    for (const notice of notices) await redis.publish('sealcast:change-notices', notice)
    for (const one of acknowledgements) await redis.publish(`sealcast:change-acks:${gatewayId}`, one)
    await attacker.untilAlarmed('gateway', { kind: 'change-notice' }, notices.length)
    await attacker.untilAlarmed('gateway', { kind: 'change-ack' }, acknowledgements.length)

    const change = async () => {
      const startedAt = performance.now()
      await sns.send(
        new SetTopicAttributesCommand({ TopicArn: topicArn, AttributeName: 'DisplayName', AttributeValue: random }),
      )
      return performance.now() - startedAt
    }
    assert.ok((await change()) < 1_000)
    const ghosts = Array.from({ length: 2_000 }, () => [`${Date.now() + 600_000}`, randomBytes(16).toString('hex')])
    await redis.zadd(MEMBERS, ...ghosts.flat())
    const delayedMs = await change()
    assert.ok(delayedMs > 3_000 && delayedMs < 5_000, `${delayedMs} ms`)
    await publish(sns, topicArn, 'is accepted meanwhile')
    await redis.del(MEMBERS)
    assert.ok((await change()) < 1_000)
    await redis.set(MEMBERS, 'x')
    await attacker.untilAlarmed('gateway', { kind: 'members' })
    assert.ok((await change()) < 1_000)
  })

  test('cannot give the gateway a data key to seal with', async () => {
    const [garbage, copied, later, younger, known, wrongType] = await Promise.all([
      prepare(),
      prepare(),
      prepare(),
      prepare(),
      prepare(),
      prepare(),
    ])
    const stages = [garbage, copied, later, younger, known, wrongType]
    const { redis } = attacker
    const recordKey = ({ topicArn }: { topicArn: string }) => attacker.dataKeyRecord(topicArn, keyArn)
    const records = new Map<object, string>()
    for (const stage of stages) {
      await publish(sns, stage.topicArn, 'has its data key stored')
      records.set(stage, await until('a data-key record', () => redis.get(recordKey(stage))))
    }
    const alter = (stage: { topicArn: string }, change: (record: Record<string, unknown>) => object) => {
      const record: Record<string, unknown> = JSON.parse(records.get(stage) ?? '')
      return redis.set(recordKey(stage), JSON.stringify({ ...record, ...change(record) }))
    }
    const hisKey = (await knownDataKey(kms, { keyArn, topicArn: known.topicArn })).edk.toString('base64')
    // Forgets the keys that it holds in memory.
    await stack.killAndWaitForRestart('gateway')
    await redis.set(recordKey(garbage), 'garbage')
    await redis.set(recordKey(copied), records.get(garbage) ?? '')
    await alter(later, ({ notAfter }) => ({ notAfter: Number(notAfter) + 86_400_000 }))
    await alter(younger, ({ issuedAt }) => ({ issuedAt: Number(issuedAt) + 60_000 }))
    await alter(known, () => ({ encryptedDataKey: hisKey }))
    await redis.del(recordKey(wrongType))
    await redis.rpush(recordKey(wrongType), 'x')

    const servedBefore = await servedByKms(stack)
    for (const { subscriber, topicArn, copy } of stages) {
      await using _ = subscriber
      const used = bytesOf(await copy('sealed anew'), 'edk').toString('base64')
      assert.ok(used !== hisKey && ![...records.values()].some((record) => record.includes(used)))
      await attacker.untilAlarmed('gateway', { kind: 'data-key', topicArn })
      await subscriber.receive('Notification', 2)
    }
    const served = await servedByKms(stack)
    assert.equal((served.GenerateDataKey ?? 0) - (servedBefore.GenerateDataKey ?? 0), stages.length)
    assert.ok((await attacker.counted('sealcast_records_forged_total', 'kind="data-key"')) >= stages.length)
  })

  test('delays a publish with the lock of its data key, for 5 s at most, and has it refused, not sealed otherwise', async () => {
    const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
    const endless = await createTopic(sns, { KmsMasterKeyId: keyArn })
    const { redis } = attacker
    await redis.set(`${attacker.dataKeyRecord(endless, keyArn)}:lock`, 'his')
    const lock = `${attacker.dataKeyRecord(topicArn, keyArn)}:lock`
    const hold = () => redis.set(lock, 'his', 'PX', 5_000)
    await hold()
    const holding = setInterval(() => void hold().catch(() => undefined), 100)
    try {
      const startedAt = performance.now()
      const delayed = publish(hasty, topicArn, 'in vain')
      await publish(sns, endless, 'past a lock without an end')
      assert.ok(performance.now() - startedAt < 2_000)
      await assert.rejects(delayed, { name: 'ServiceUnavailable' })
      assert.ok(performance.now() - startedAt < 5_000)
    } finally {
      clearInterval(holding)
    }
    assert.equal(await redis.xlen(keys.streamKey(attacker.partitionOf(topicArn))), 0)
    await redis.del(lock)
    await publish(sns, topicArn, 'afterwards')
    await attacker.untilAlarmed('gateway', { kind: 'data-key', topicArn: endless })
  })

  const prepare = (o?: { sealed: boolean }) => attackTopic({ stack, sns, attacker, keyArn }, o)
})
