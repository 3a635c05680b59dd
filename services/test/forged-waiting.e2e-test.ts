/** What waits in Redis for its retry or its endpoint: nobody who can write there turns it elsewhere or stops the rest. */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import type { SNSClient } from '@aws-sdk/client-sns'
import { keys } from '#shared/stream-log'
import { attackTopic } from './attack-topic.ts'
import { createKey, kmsClient, publish, snsClient, trustStack } from './messaging.ts'
import { messagesOf, type RedisAttacker, startRedisAttacker, subscriptionsKey } from './redis-attacker.ts'
import { type Stack, startStack } from './start-stack.ts'
import { until } from './until.ts'

suite('whoever writes Redis without a secret, while messages wait,', () => {
  let stack: Stack
  let sns: SNSClient
  let keyArn: string
  let attacker: RedisAttacker

  before(async () => {
    // SNS's 20 s between attempts become 400 ms.
    stack = await startStack({ env: { SEALCAST_RETRY_SECOND_MS: '20' } })
    trustStack(stack)
    sns = snsClient(stack)
    const kms = kmsClient(stack)
    keyArn = await createKey(kms)
    kms.destroy()
    attacker = await startRedisAttacker(stack)
  })

  after(async () => {
    sns.destroy()
    await attacker[Symbol.asyncDispose]()
    await stack[Symbol.asyncDispose]()
  })

  test('cannot turn a retry to another message or endpoint, nor stop others with jobs of his', async () => {
    const { topicArn, partition, subscriber } = await prepare()
    await using _ = subscriber
    const elsewhere = await prepare({ sealed: false })
    await using _elsewhere = elsewhere.subscriber
    const { redis } = attacker
    const [subscriptionId = ''] = await redis.hkeys(subscriptionsKey(topicArn))
    const [foreignId = ''] = await redis.hkeys(subscriptionsKey(elsewhere.topicArn))
    const retry = (name: string) => `${keys.retryPrefix(partition)}:retry:${name}`
    const body = (messageId: string) => keys.bodyKey(partition, messageId)
    const addJob = async (id: string, fields: Record<string, string>) => {
      await redis.hset(retry(id), fields)
      await redis.lpush(retry('wait'), id)
      await redis.zadd(retry('marker'), 0, '0')
    }
    const failing = new Set<string>()
    subscriber.answer = ({ json }, response) => response.writeHead(failing.delete(json.Message ?? '') ? 503 : 200).end()
    const timesReceived = (message: string) => messagesOf(subscriber).filter((one) => one === message).length
    /** @returns the message's id, once its retry waits */
    const fail = async (message: string) => {
      failing.add(message)
      const id = await publish(sns, topicArn, message)
      await until('its job', () => redis.zscore(retry('delayed'), `${id}-${subscriptionId}`))
      return id
    }

    const unharmed = await fail('unharmed')
    await redis.hset(body(unharmed), { [`s:${foreignId}`]: '1', 's:a:b': '1', open: '3' })
    const data = JSON.stringify({ messageId: randomUUID(), subscriptionId: foreignId })
    await redis.hset(retry(`${unharmed}-${subscriptionId}`), { data, opts: '{}' })
    await addJob(`${unharmed}-${foreignId}`, { name: 'retry', data: '{}', opts: '{}' })
    await addJob('junk', { name: 'x', data: '{"messageId":1}', opts: '{}' })
    await addJob('no-json', { name: 'x', data: '{', opts: '{' })
    await addJob('huge', { name: 'x', data: 'x'.repeat(1_000_000), opts: '{}' })
    await addJob('repeated', { name: 'x', data: 'null', opts: '{"repeat":{"every":1}}', rjk: 'x' })
    await subscriber.until(() => timesReceived('unharmed') === 2)
    await attacker.untilAlarmed('delivery', { kind: 'retry-job' })

    const altered = await fail('altered')
    await redis.hset(body(altered), 'e:subject', 'Refund')
    const source = await fail('source')
    const target = await fail('target')
    await redis.copy(body(source), body(target), 'REPLACE')
    const emptied = await fail('emptied')
    const fields = await redis.hkeys(body(emptied))
    await redis.hdel(body(emptied), ...fields.filter((name) => name.startsWith('e:')))
    await subscriber.until(() => timesReceived('source') === 2)
    for (const messageId of [altered, target, emptied])
      await attacker.untilAlarmed('delivery', { event: 'body.refused', messageId })

    await fail('last')
    await subscriber.until(() => timesReceived('last') === 2)
    assert.deepEqual(['unharmed', 'altered', 'source', 'target', 'emptied'].map(timesReceived), [2, 1, 2, 1, 1])
    assert.deepEqual(messagesOf(elsewhere.subscriber), [])
  })

  test('cannot turn a message that waits for its endpoint to another, nor stop others with references of his', async () => {
    const { topicArn, partition, subscriber } = await prepare()
    await using _ = subscriber
    const elsewhere = await prepare({ sealed: false })
    await using _elsewhere = elsewhere.subscriber
    const { redis } = attacker
    const [subscriptionId = ''] = await redis.hkeys(subscriptionsKey(topicArn))
    const [foreignId = ''] = await redis.hkeys(subscriptionsKey(elsewhere.topicArn))
    const backlog = keys.backlogKey(partition, subscriptionId)
    const body = (messageId: string, of = partition) => keys.bodyKey(of, messageId)
    const { answer } = subscriber
    for (const one of [subscriber, elsewhere.subscriber]) one.answer = () => undefined
    const waiting: Record<string, string> = {}
    for (const name of ['unharmed', 'altered', 'source', 'target', 'emptied', 'many', 'retried', 'odd'])
      waiting[name] = await publish(sns, topicArn, name)
    const foreign = await publish(sns, elsewhere.topicArn, 'foreign')
    await until('all wait', async () => (await redis.xlen(backlog)) === Object.keys(waiting).length)
    const foreignBody = body(foreign, elsewhere.partition)
    await until('the foreign one waits', () => redis.exists(foreignBody).then((found) => found === 1))
    const id = (name: string) => waiting[name] ?? ''

    await redis.hset(body(id('altered')), 'e:subject', 'Refund')
    await redis.copy(body(id('source')), body(id('target')), 'REPLACE')
    const fields = await redis.hkeys(body(id('emptied')))
    await redis.hdel(body(id('emptied')), ...fields.filter((name) => name.startsWith('e:')))
    await redis.hset(body(id('unharmed')), { [`s:${foreignId}`]: 'w0', 's:a:b': 'w1', open: '9' })
    await redis.hset(body(id('many')), `s:${subscriptionId}`, 'w999')
    await redis.hset(body(id('retried')), `s:${subscriptionId}`, '1')
    await redis.hset(body(id('odd')), `s:${subscriptionId}`, 'w-1 x')
    // The foreign message as it is, said to be open for this topic's subscription.
    await redis.hset(body(foreign), await redis.hgetallBuffer(foreignBody))
    await redis.hset(body(foreign), `s:${subscriptionId}`, 'w0')
    const references = [foreign, randomUUID(), id('unharmed'), '', '../x', 'x'.repeat(1_000_000), `${id('odd')}:lock`]
    for (const messageId of references) await redis.xadd(backlog, '*', 'm', messageId)
    await redis.xadd(backlog, '*', 'x', 'x')
    await redis.xadd(keys.backlogKey(partition, foreignId), '*', 'm', id('unharmed'))
    await redis.sadd(keys.backlogsKey(partition), foreignId, randomUUID(), 'x', 'a:b', '', 'x'.repeat(1_000_000))

    // Its successor has only what lies in Redis.
    subscriber.answer = answer
    await stack.killAndWaitForRestart('delivery')
    const timesReceived = (message: string) => messagesOf(subscriber).filter((one) => one === message).length
    for (const name of ['unharmed', 'source', 'many', 'retried', 'odd'])
      await subscriber.until(() => timesReceived(name) === 2, 30_000)
    for (const name of ['altered', 'target', 'emptied'])
      await attacker.untilAlarmed('delivery', { event: 'body.refused', messageId: id(name) })
    await until('no reference is left', async () => (await redis.exists(backlog)) === 0)
    await publish(sns, topicArn, 'last')
    await subscriber.until(() => timesReceived('last') === 1)
    assert.deepEqual(
      ['unharmed', 'altered', 'source', 'target', 'emptied', 'odd'].map(timesReceived),
      [2, 1, 2, 1, 1, 2],
    )
    assert.equal(timesReceived('foreign'), 0)
    assert.ok(!messagesOf(elsewhere.subscriber).includes('unharmed'))
  })

  const prepare = (o?: { sealed: boolean }) => attackTopic({ stack, sns, attacker, keyArn }, o)
})
