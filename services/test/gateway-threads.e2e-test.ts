/** A gateway of several threads is one gateway: to publishers, to KMS, and to whoever looks at it. */

import assert from 'node:assert/strict'
import { Agent } from 'node:https'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KMSClient } from '@aws-sdk/client-kms'
import { SetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns'
import { keys } from '#shared/stream-log'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  readMetrics,
  servedByKms,
  subscribeAndConfirm,
  trustStack,
} from './messaging.ts'
import { fieldsOf, type RedisAttacker, startRedisAttacker } from './redis-attacker.ts'
import { describeRolling, isPauseShort, runRollingRestart } from './rolling-restart.ts'
import { startService } from './start-service.ts'
import { isAlive, type Stack, startStack } from './start-stack.ts'
import { until } from './until.ts'

const THREADS = 3
/** Each with a connection of its own: that a thread has none of so many has a probability of 3 × (2/3)^40, 3 in 10 million. */
const CLIENTS = 40
const ROUNDS = 6

suite(`a gateway of ${THREADS} threads`, () => {
  let stack: Stack
  let agents: Agent[]
  let clients: SNSClient[]
  let kms: KMSClient
  let redis: RedisAttacker

  before(async () => {
    stack = await startStack({ env: { SEALCAST_GATEWAY_THREADS: String(THREADS) } })
    trustStack(stack)
    agents = Array.from({ length: CLIENTS }, () => new Agent({ keepAlive: true, maxSockets: 1, ca: stack.ca }))
    clients = agents.map((httpsAgent) => {
      const requestHandler = { ...stack.clientConfig.requestHandler, httpsAgent }
      return new SNSClient({ ...stack.clientConfig, requestHandler, maxAttempts: 1 })
    })
    kms = kmsClient(stack)
    redis = await startRedisAttacker(stack)
  })

  after(async () => {
    for (const one of [...clients, kms, ...agents]) one.destroy()
    await redis[Symbol.asyncDispose]()
    await stack[Symbol.asyncDispose]()
  })

  test('costs two KMS calls for a pair, though each thread seals, together and one after the other', async () => {
    for (const together of [true, false]) {
      const topicArn = await createTopic(first(), { KmsMasterKeyId: await createKey(kms) })
      await using subscriber = await subscribeAndConfirm(stack, { sns: first(), topicArn })
      const before = await servedByKms(stack)
      const heldBefore = await read('sealcast_data_keys_cached{cache="sealing"}')
      if (together) await Promise.all(clients.map((client) => publish(client, topicArn, 'x')))
      else for (const client of clients) await publish(client, topicArn, 'x')
      await subscriber.receive('Notification', CLIENTS)
      const served = await servedByKms(stack)
      const calls = (operation: string) => (served[operation] ?? 0) - (before[operation] ?? 0)
      assert.deepEqual([calls('GenerateDataKey'), calls('Decrypt')], [1, 1], together ? 'together' : 'in turn')
      // Each thread holds the key, so each has published.
      assert.equal((await read('sealcast_data_keys_cached{cache="sealing"}')) - heldBefore, THREADS)
    }
  })

  test('is counted as one, and its page shows what all threads did', async () => {
    const topicArn = await createTopic(first())
    const published = 'sealcast_messages_published_total{sealed="false"}'
    const before = await read(published)
    await Promise.all(clients.flatMap((client) => [1, 2, 3].map(() => publish(client, topicArn, 'x'))))
    assert.equal((await read(published)) - before, 3 * CLIENTS)
    assert.equal(await read('sealcast_gateways_alive'), 1)
    assert.equal(await read('sealcast_requests_in_flight'), 0)
    assert.equal(await read('sealcast_data_key_reuse_seconds'), 300)
    assert.equal(await read('sealcast_partitions'), 16)
  })

  test(`stores nothing in clear once SetTopicAttributes has returned, ${ROUNDS} times`, async (t) => {
    stack.signal('delivery', 'SIGSTOP')
    t.after(() => stack.signal('delivery', 'SIGCONT'))
    const AttributeValue = await createKey(kms)
    const counts = { clear: 0, sealed: 0 }
    for (let round = 0; round < ROUNDS; round++) {
      const topicArn = await createTopic(first())
      const stream = keys.streamKey(redis.partitionOf(topicArn))
      const entries = async (from: string, to: string) =>
        (await redis.redis.xrangeBuffer(stream, from, to))
          .map(([, parts]) => fieldsOf(parts))
          .filter((fields) => String(fields.get('topic')) === topicArn)
      let isOver = false
      const flood = clients.map(async (client) => {
        while (!isOver) await publish(client, topicArn, 'flood')
      })
      await sleep(50)
      await clients[round]?.send(
        new SetTopicAttributesCommand({ TopicArn: topicArn, AttributeName: 'KmsMasterKeyId', AttributeValue }),
      )
      const [[mark] = ['0-0']] = await redis.redis.xrevrange(stream, '+', '-', 'COUNT', 1)
      await sleep(50)
      isOver = true
      await Promise.all(flood)
      const late = await entries(`(${mark}`, '+')
      assert.deepEqual(
        late.filter((fields) => !fields.has('edk')),
        [],
        `round ${round}`,
      )
      counts.sealed += late.length
      counts.clear += (await entries('-', String(mark))).filter((fields) => !fields.has('edk')).length
    }
    assert.ok(counts.clear > ROUNDS && counts.sealed > ROUNDS)
    t.diagnostic(`${counts.clear} in clear before, ${counts.sealed} afterwards, all of them sealed`)
  })

  test('is replaced under load without an error to publishers or a pause of deliveries', async (t) => {
    const result = await runRollingRestart(stack, { perSecond: 100, topics: 4, processes: 2, times: 1 })
    t.diagnostic(describeRolling(result))
    assert.deepEqual(result.errors, [])
    assert.deepEqual(result.lost, [])
    assert.ok(isPauseShort(result))
  })

  test('ends when one of its threads does, and says why', async () => {
    const failing = `import { isMainThread } from 'node:worker_threads'
      if (!isMainThread) setTimeout(() => { throw new Error('boom') }, 2_000)`
    await using gateway = await startService(stack, 'gateway', {
      SEALCAST_GATEWAY_THREADS: '2',
      NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(failing)}`,
    })
    const events = () => gateway.logged.map(({ event }) => event)
    await until('the gateway has ended', () => !isAlive(gateway.pid) && events().at(-1) === 'gateway.thread-ended')
    assert.deepEqual(events().slice(-2), ['process.crashed', 'gateway.thread-ended'])
    assert.equal(gateway.logged.at(-2)?.thread, 1)
  })

  test('told to stop while its threads start, it ends without having said that it serves', async () => {
    const slow = `import { isMainThread } from 'node:worker_threads'
      if (isMainThread) setTimeout(() => process.kill(process.pid, 'SIGTERM'), 1_500)
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_000)`
    const starting = startService(stack, 'gateway', {
      SEALCAST_GATEWAY_THREADS: '2',
      NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(slow)}`,
    })
    await assert.rejects(starting, /gateway did not start: .*"gateway\.stopped"/)
  })

  function first(): SNSClient {
    return clients[0] ?? assert.fail()
  }

  async function read(series: string): Promise<number> {
    const page = (await readMetrics(stack)).find((text) => text.includes('sealcast_api_requests_total')) ?? ''
    const line = page.split('\n').find((text) => text.startsWith(`${series} `))
    return Number(line?.slice(series.length + 1))
  }
})
