/** Keys in Redis taken away, overwritten or of another type: processes stay up, others are served, nobody is left unaware. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { SetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns'
import { keys } from '#shared/stream-log'
import { createKey, createTopic, kmsClient, publish, snsClient, subscribeAndConfirm, trustStack } from './messaging.ts'
import { messagesOf, type RedisAttacker, startRedisAttacker, subscriptionsKey, topicKey } from './redis-attacker.ts'
import { type Stack, startStack } from './start-stack.ts'
import type { TestSubscriber } from './test-subscriber.ts'
import { until } from './until.ts'

suite('whoever spoils keys in Redis', () => {
  let stack: Stack
  let sns: SNSClient
  /** Does not try again. */
  let hasty: SNSClient
  let keyArn: string
  let attacker: RedisAttacker
  const taken = new Set<number>()

  before(async () => {
    stack = await startStack()
    trustStack(stack)
    sns = snsClient(stack)
    hasty = new SNSClient({ ...stack.clientConfig, maxAttempts: 1 })
    const kms = kmsClient(stack)
    keyArn = await createKey(kms)
    kms.destroy()
    attacker = await startRedisAttacker(stack)
  })

  after(async () => {
    for (const client of [sns, hasty]) client.destroy()
    await attacker[Symbol.asyncDispose]()
    await stack[Symbol.asyncDispose]()
  })

  // At once, as each spends its time waiting; partitions are chosen so that none meets another's attack.
  suite('of one partition or topic', { concurrency: true }, () => {
    test('loses nothing published afterwards by taking leases, streams or groups away', async () => {
      const { topicArn, partition, subscriber } = await prepare()
      await using _ = subscriber
      const { redis } = attacker
      const lease = keys.leaseKey(partition)
      const stream = keys.streamKey(partition)
      const attacks: [name: string, attack: () => Promise<unknown>][] = [
        ['lease overwritten, without an end', () => redis.set(lease, 'his')],
        ['lease taken away', () => redis.del(lease)],
        ['lease of another type', () => redis.multi().del(lease).hset(lease, 'x', 'x').exec()],
        ['stream taken away', () => redis.del(stream)],
        ['group taken away', () => redis.xgroup('DESTROY', stream, 'delivery')],
      ]
      for (const [name, attack] of attacks) {
        await attack()
        const startedAt = performance.now()
        await deliver({ topicArn, subscriber }, name)
        assert.ok(performance.now() - startedAt < 8_000, name)
      }
      await attacker.untilAlarmed('delivery', { kind: 'lease', partition }, 2)
      await attacker.untilAlarmed('delivery', { event: 'partition.failed', partition }, 3)
      assert.ok((await attacker.counted('sealcast_records_forged_total', 'kind="partition"')) >= 3)
      assert.ok((await attacker.counted('sealcast_records_forged_total', 'kind="lease"')) >= 2)
    })

    test('stops with a stream of another type its partition alone, and only while it lies there', async () => {
      const { topicArn, partition, subscriber } = await prepare()
      await using _ = subscriber
      const bystander = await prepare()
      await using _bystander = bystander.subscriber
      await replaced(keys.streamKey(partition), async () => {
        await assert.rejects(publish(hasty, topicArn, 'nowhere to go'), { name: 'InternalErrorException' })
        await attacker.untilAlarmed('gateway', { kind: 'key' })
        await attacker.untilAlarmed('delivery', { event: 'partition.failed', partition })
        await deliver(bystander, 'meanwhile')
      })
      await deliver({ topicArn, subscriber }, 'afterwards')
    })

    test('stops with a topic of another type that topic alone, and loses none of its messages', async () => {
      const { topicArn, partition, subscriber } = await prepare()
      await using _ = subscriber
      const neighbour = await prepare(partition)
      await using _neighbour = neighbour.subscriber
      const genuine = await attacker.copyMessage({ sns, topicArn, subscriber, message: 'again and again' })
      for (const [n, key] of [topicKey(topicArn), subscriptionsKey(topicArn)].entries()) {
        await replaced(key, async () => {
          if (n === 1) await attacker.redis.hset(topicKey(topicArn), 'version', randomBytes(16).toString('hex'))
          await attacker.addEntries(partition, [genuine])
          await attacker.untilAlarmed('delivery', { topicArn, kind: n === 0 ? 'topic' : 'subscription' })
          await deliver(neighbour, `meanwhile ${n}`)
        })
      }
      await subscriber.receive('Notification', 3)
    })

    test('stops with keys of another type neither first deliveries nor the processes', async () => {
      const stage = await prepare()
      await using _ = stage.subscriber
      const { partition } = stage
      await replaced(keys.quarantineKey(partition), async () => {
        const [id = ''] = await attacker.addEntries(partition, [['x', 'x']])
        await attacker.untilAlarmed('delivery', { event: 'entry.failed', partition, streamId: id })
        await deliver(stage, 'while quarantine is spoilt')
        await attacker.redis.xdel(keys.streamKey(partition), id)
      })
      for (const name of ['wait', 'active', 'delayed', 'marker', 'meta', 'events', 'stalled', 'stalled-check']) {
        await replaced(`${keys.retryPrefix(partition)}:retry:${name}`, () => deliver(stage, `while ${name} is spoilt`))
      }
    })

    test('holds with keys of another type those messages that wait under them, and only while they lie there', async () => {
      const { topicArn, partition, subscriber } = await prepare()
      await using _ = subscriber
      const neighbour = await prepare(partition)
      await using _neighbour = neighbour.subscriber
      const { redis } = attacker
      const [subscriptionId = ''] = await redis.hkeys(subscriptionsKey(topicArn))
      const backlog = keys.backlogKey(partition, subscriptionId)
      const { answer } = subscriber
      const kept: (() => void)[] = []
      subscriber.answer = (request, response) => void kept.push(() => answer(request, response))
      // More than an endpoint nothing is known of is given at once.
      const messageIds = await Promise.all(Array.from({ length: 70 }, (_, n) => publish(sns, topicArn, `waits ${n}`)))
      await until('all that is given at once is under way', async () => {
        return kept.length === 64 && (await redis.xlen(backlog)) === messageIds.length
      })
      const tried = new Set(subscriber.received.map(({ json }) => json.MessageId))
      const spoilt = messageIds.find((id) => !tried.has(id)) ?? ''
      await replaced(keys.bodyKey(partition, spoilt), async () => {
        subscriber.answer = answer
        for (const one of kept) one()
        await attacker.untilAlarmed('delivery', { event: 'backlog.failed', partition, messageId: spoilt })
        await until('the others are delivered', async () => (await redis.xlen(backlog)) === 1)
        await deliver(neighbour, 'beside a body')
      })
      await subscriber.until((all) => all.some(({ json }) => json.MessageId === spoilt))
      await until('nothing is left', async () => (await redis.exists(backlog)) === 0)

      kept.length = 0
      subscriber.answer = (request, response) => void kept.push(() => answer(request, response))
      await publish(sns, topicArn, 'slow')
      await until('it waits', () => redis.exists(backlog).then((found) => found === 1))
      await replaced(backlog, async () => {
        await attacker.untilAlarmed('delivery', { event: 'backlog.failed', partition, subscriptionId })
        await deliver(neighbour, 'beside a backlog')
      })
      await replaced(keys.backlogsKey(partition), async () => {
        await publish(sns, topicArn, 'slow too')
        await until('both wait', async () => (await redis.xlen(backlog)) === 2)
        await attacker.untilAlarmed('delivery', { event: 'record.forged', kind: 'backlog', partition })
      })
      subscriber.answer = answer
      for (const one of kept) one()
      await deliver({ topicArn, subscriber }, 'afterwards')
      await until('nothing is left', async () => (await redis.exists(backlog)) === 0)
    })

    test('cannot silence a subscription by what lies under its rate', async () => {
      const stage = await prepare()
      await using _ = stage.subscriber
      const { redis } = attacker
      const { topicArn } = stage
      await sns.send(
        new SetTopicAttributesCommand({
          TopicArn: topicArn,
          AttributeName: 'DeliveryPolicy',
          AttributeValue: '{"http":{"defaultThrottlePolicy":{"maxReceivesPerSecond":100}}}',
        }),
      )
      const [subscriptionId = ''] = await redis.hkeys(subscriptionsKey(topicArn))
      const key = `sealcast:{t:${topicArn}}:throttle:${subscriptionId}`
      await deliver(stage, 'first')
      assert.equal(await redis.type(key), 'string')
      for (const value of ['9e99', '-1', 'nan', '', 'x'.repeat(1_000_000)]) {
        await redis.set(key, value)
        await deliver(stage, `after ${value.slice(0, 10)}`)
      }
      await redis.multi().del(key).rpush(key, 'x').exec()
      await deliver(stage, 'after a list')
    })
  })

  test('has no process start with a number of partitions of his', async () => {
    const stage = await prepare()
    await using _ = stage.subscriber
    const { redis } = attacker
    const genuine = await redis.hgetall(keys.metaKey)
    const gateway = stack.pidOf('gateway')
    const attack = () => redis.hset(keys.metaKey, 'partitions', '3')
    await attack()
    // The gateway puts it back, maybe before the worker is there to see it.
    const attacking = setInterval(() => void attack().catch(() => undefined), 100)
    const restarted = stack.killAndWaitForRestart('delivery')
    try {
      await attacker.untilAlarmed('delivery', { event: 'meta.refused' })
    } finally {
      clearInterval(attacking)
    }
    await publish(sns, stage.topicArn, 'meanwhile')
    await restarted
    await stage.subscriber.receive('Notification', 1)
    await attacker.untilAlarmed('gateway', { kind: 'meta' })
    assert.deepEqual(await redis.hgetall(keys.metaKey), genuine)
    assert.equal(stack.pidOf('gateway'), gateway)
  })

  /** A sealed topic with a confirmed subscriber. @param partition one that nobody else has unless told */
  async function prepare(partition?: number) {
    for (;;) {
      const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
      const found = attacker.partitionOf(topicArn)
      if (partition === undefined ? taken.has(found) : found !== partition) continue
      taken.add(found)
      return { topicArn, partition: found, subscriber: await subscribeAndConfirm(stack, { sns, topicArn }) }
    }
  }

  async function deliver(
    { topicArn, subscriber }: { topicArn: string; subscriber: TestSubscriber },
    message: string,
  ): Promise<void> {
    await publish(sns, topicArn, message)
    await subscriber.until(() => messagesOf(subscriber).includes(message))
  }

  /** Does the work while a string lies in a key's place, then puts back what was there. */
  async function replaced(key: string, work: () => Promise<void>): Promise<void> {
    const { redis } = attacker
    const kept = (await redis.exists(key)) === 1 ? await redis.dumpBuffer(key) : undefined
    await redis.set(key, 'x')
    await work()
    await redis.del(key)
    if (kept !== undefined) await redis.restore(key, 0, kept)
  }
})
