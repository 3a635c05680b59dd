/** Topics are one truth, through whichever of several gateways they are asked for, changed and published to. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KMSClient } from '@aws-sdk/client-kms'
import {
  CreateTopicCommand,
  DeleteTopicCommand,
  ListSubscriptionsByTopicCommand,
  SetSubscriptionAttributesCommand,
  SetTopicAttributesCommand,
  SNSClient,
} from '@aws-sdk/client-sns'
import { createCatalog } from '#shared/catalog'
import { ADMINISTRATOR_ACCESS, addPrincipal } from '#shared/principals'
import { createRecordMac } from '#shared/record-mac'
import { readRecordSecrets } from '#shared/secrets'
import { keys } from '#shared/stream-log'
import { untilBalanced } from './cast-publishers.ts'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  servedByKms,
  subscribeAndConfirm,
  trustStack,
} from './messaging.ts'
import { messagesOf, type RedisAttacker, startRedisAttacker, topicKey } from './redis-attacker.ts'
import { type StartedService, startService } from './start-service.ts'
import { type Stack, startStack } from './start-stack.ts'
import { until } from './until.ts'

/** Continuous integration asks for all of them. */
const ROUNDS = process.env.TEST_FULL === '1' ? 20 : 6
/** Decides when in the flood of publishes a change comes. */
const SEED = Number(process.env.SEALCAST_TEST_SEED ?? 42)
/** A gateway that does not answer delays a change by this. */
const BOUND_MS = 3_500
/** Without a beat a gateway is on the list of gateways for so long. */
const PRESENCE_MS = 10_000
const PAUSES = 3

suite('two gateways', () => {
  let stack: Stack
  let second: StartedService
  let worker: StartedService
  /** One for each gateway; they do not try again. */
  let clients: [first: SNSClient, second: SNSClient]
  let kms: KMSClient
  let keyArn: string
  let redis: RedisAttacker

  before(async () => {
    stack = await startStack()
    trustStack(stack)
    second = await startService(stack, 'gateway')
    worker = await startService(stack, 'delivery')
    clients = [
      new SNSClient({ ...stack.clientConfig, maxAttempts: 1 }),
      new SNSClient({ ...second.clientConfig, maxAttempts: 1 }),
    ]
    kms = kmsClient(stack)
    keyArn = await createKey(kms)
    redis = await startRedisAttacker(stack)
  })

  after(async () => {
    for (const client of [...clients, kms]) client.destroy()
    for (const part of [redis, worker, second, stack]) await part[Symbol.asyncDispose]()
  })

  test('and a worker cost three KMS calls for a pair, whether they begin together or one after the other', async () => {
    // First of all, since workers that were paused take their partitions anew: one that changes hands costs another call.
    await untilBalanced(stack, 1, 8)
    for (const together of [true, false]) {
      const topicArn = await createTopic(clients[0], { KmsMasterKeyId: keyArn })
      await using subscriber = await subscribeAndConfirm(stack, { sns: clients[0], topicArn })
      const before = await servedByKms(stack)
      if (together) await Promise.all(clients.flatMap((client) => [1, 2, 3].map(() => publish(client, topicArn, 'x'))))
      else for (const client of [...clients, ...clients, ...clients]) await publish(client, topicArn, 'x')
      await subscriber.receive('Notification', 6)
      const served = await servedByKms(stack)
      const calls = (operation: string) => (served[operation] ?? 0) - (before[operation] ?? 0)
      assert.deepEqual([calls('GenerateDataKey'), calls('Decrypt')], [1, 2], together ? 'together' : 'in turn')
    }
  })

  test(`store nothing in clear once SetTopicAttributes has returned, ${ROUNDS} times`, async (t) => {
    using _ = pauseWorkers()
    const random = randomOf(SEED)
    const counts = { clear: 0, sealed: 0 }
    for (let round = 0; round < ROUNDS; round++) {
      const topicArn = await createTopic(clients[0])
      const flood = startFlood(topicArn)
      await sleep(5 + random() * 30)
      await giveKey(clients[round % 2] ?? clients[0], topicArn)
      const mark = await lastEntryOf(topicArn)
      await sleep(20)
      await flood.stop()
      const { before, after } = await entriesAround(mark, topicArn)
      assert.deepEqual(after.filter(isClear), [], `round ${round}, seed ${SEED}`)
      counts.clear += before.filter(isClear).length
      counts.sealed += after.length
    }
    assert.ok(counts.clear > ROUNDS && counts.sealed > ROUNDS)
    t.diagnostic(`seed ${SEED}: ${counts.clear} in clear before, ${counts.sealed} afterwards, all of them sealed`)
  })

  test(`store nothing by a policy that was taken back, once SetTopicAttributes has returned, ${ROUNDS} times`, async (t) => {
    using _ = pauseWorkers()
    const random = randomOf(SEED)
    const file = join(stack.home, 'principals.json')
    const partner = 'arn:aws:iam::111111111111:user/partner'
    const credentials = await addPrincipal(file, { arn: partner, policies: ADMINISTRATOR_ACCESS })
    const partners = [stack, second].map(
      ({ clientConfig }) => new SNSClient({ ...clientConfig, credentials, maxAttempts: 1 }),
    )
    let stored = 0
    for (let round = 0; round < ROUNDS; round++) {
      const topicArn = await createTopic(clients[0])
      const client = clients[round % 2] ?? clients[0]
      const setPolicy = (Effect: string) => client.send(policyFor(topicArn, partner, Effect))
      await setPolicy('Allow')
      // In force within a second.
      await until('the partner is known', () =>
        publish(partners[1] ?? client, topicArn, 'first').catch(() => undefined),
      )
      const flood = startFlood(topicArn, partners)
      await sleep(5 + random() * 30)
      await setPolicy('Deny')
      const mark = await lastEntryOf(topicArn, partner)
      await sleep(20)
      await flood.stop()
      const { before, after } = await entriesAround(mark, topicArn, partner)
      assert.deepEqual(after, [], `round ${round}, seed ${SEED}`)
      stored += before.length
      const refused = { name: 'AuthorizationErrorException' }
      for (const one of partners) await assert.rejects(publish(one, topicArn, 'late'), refused)
    }
    for (const one of partners) one.destroy()
    // One of each round is not from the flood.
    assert.ok(stored > 2 * ROUNDS)
    t.diagnostic(`seed ${SEED}: ${stored} stored before, none afterwards`)
  })

  test('would store in clear after a change that waited for nobody', async () => {
    using _ = pauseWorkers()
    const recordMac = createRecordMac(await readRecordSecrets(join(stack.home, 'secrets')))
    const catalog = createCatalog({ redis: redis.redis, recordMac, onForged: () => undefined })
    const topicArn = await createTopic(clients[0])
    const flood = startFlood(topicArn)
    await sleep(30)
    await catalog.changeTopic(topicArn, (topic) => ({
      ...topic,
      attributes: { ...topic.attributes, kmsMasterKeyId: keyArn },
    }))
    const mark = await lastEntryOf(topicArn)
    await sleep(100)
    await flood.stop()
    assert.ok((await entriesAround(mark, topicArn)).after.some(isClear))
  })

  test(`know a deleted topic as gone, and one made anew as the new one, ${ROUNDS} times`, async () => {
    using _ = pauseWorkers()
    const random = randomOf(SEED)
    for (let round = 0; round < ROUNDS; round++) {
      const [one, other] = round % 2 === 0 ? clients : clients.toReversed()
      if (one === undefined || other === undefined) return
      const topicArn = await createTopic(one)
      const old = await redis.redis.hget(topicKey(topicArn), 'incarnation')
      const flood = startFlood(topicArn)
      await sleep(5 + random() * 20)
      await one.send(new DeleteTopicCommand({ TopicArn: topicArn }))
      for (const client of clients)
        await assert.rejects(publish(client, topicArn, 'gone'), { name: 'NotFoundException' })
      await one.send(new CreateTopicCommand({ Name: topicArn.slice(topicArn.lastIndexOf(':') + 1) }))
      const mark = await lastEntryOf(topicArn)
      const acknowledged = [await publish(other, topicArn, 'anew'), await publish(one, topicArn, 'anew')]
      await flood.stop()
      const { after } = await entriesAround(mark, topicArn)
      const incarnation = await redis.redis.hget(topicKey(topicArn), 'incarnation')
      assert.notEqual(incarnation, old)
      assert.deepEqual(new Set(after.map((entry) => entry.get('incarnation'))), new Set([incarnation]))
      const stored = new Set(after.map((entry) => entry.get('id')))
      assert.ok(acknowledged.every((id) => stored.has(id)))
    }
  })

  test(`reach a subscription that was confirmed through either, at once, ${ROUNDS} times`, async () => {
    const topicArn = await createTopic(clients[0])
    await using first = await subscribeAndConfirm(stack, { sns: clients[1], topicArn })
    // The workers know the topic by now.
    await publish(clients[0], topicArn, 'before')
    await first.receive('Notification', 1)
    for (let round = 0; round < ROUNDS; round++) {
      const client = clients[round % 2] ?? clients[0]
      await using subscriber = await subscribeAndConfirm(stack, { sns: client, topicArn })
      await publish(clients[(round + 1) % 2] ?? clients[0], topicArn, `round ${round}`)
      await subscriber.receive('Notification', 1)
      assert.deepEqual(messagesOf(subscriber), [`round ${round}`])
    }
  })

  test(`deliver by attributes of a subscription that were set through either, at once, ${ROUNDS} times`, async () => {
    const topicArn = await createTopic(clients[0])
    await using subscriber = await subscribeAndConfirm(stack, { sns: clients[0], topicArn })
    const { Subscriptions: [subscription] = [] } = await clients[0].send(
      new ListSubscriptionsByTopicCommand({ TopicArn: topicArn }),
    )
    for (let round = 0; round < ROUNDS; round++) {
      const [one = clients[0], other = clients[0]] = round % 2 === 0 ? clients : clients.toReversed()
      const raw = round % 2 === 0
      await one.send(
        new SetSubscriptionAttributesCommand({
          SubscriptionArn: subscription?.SubscriptionArn,
          AttributeName: 'RawMessageDelivery',
          AttributeValue: String(raw),
        }),
      )
      await publish(other, topicArn, `round ${round}`)
      await subscriber.until((received) => received.length === round + 2)
      const { body = '', json = {} } = subscriber.received.at(-1) ?? {}
      assert.equal(raw ? body : json.Message, `round ${round}`)
    }
  })

  test('one of them paused for long: a change through the other is answered, and the one that wakes up knows it', async () => {
    using _ = pauseWorkers()
    const topicArn = await createTopic(clients[0])
    await publish(clients[1], topicArn, 'in clear')
    second.signal('SIGSTOP')
    const sent = Promise.allSettled(Array.from({ length: 20 }, (_, n) => publish(clients[1], topicArn, `${n}`)))
    const startedAt = performance.now()
    await giveKey(clients[0], topicArn)
    const tookMs = performance.now() - startedAt
    const mark = await lastEntryOf(topicArn)
    // Until it has fallen off the list of gateways.
    await sleep(PRESENCE_MS)
    second.signal('SIGCONT')
    const answers = await sent
    assert.ok(tookMs > BOUND_MS - 100 && tookMs < BOUND_MS + 1_500, `${tookMs} ms`)
    assert.match(stack.output(), /topic\.change-unconfirmed/)
    const { after } = await entriesAround(mark, topicArn)
    assert.equal(after.length, answers.filter(({ status }) => status === 'fulfilled').length)
    assert.ok(after.length > 0)
    assert.deepEqual(after.filter(isClear), [])
  })

  test(`one of them paused in the middle of a flood: what it was about to store is not stored, ${PAUSES} times`, async () => {
    using _ = pauseWorkers()
    const random = randomOf(SEED)
    for (let round = 0; round < PAUSES; round++) {
      const topicArn = await createTopic(clients[0])
      const flood = startFlood(topicArn)
      await sleep(20 + random() * 30)
      second.signal('SIGSTOP')
      await giveKey(clients[0], topicArn)
      const mark = await lastEntryOf(topicArn)
      second.signal('SIGCONT')
      await sleep(50)
      await flood.stop()
      const { after } = await entriesAround(mark, topicArn)
      assert.ok(after.length > 0)
      assert.deepEqual(after.filter(isClear), [], `round ${round}, seed ${SEED}`)
    }
  })

  function giveKey(client: SNSClient, topicArn: string) {
    return client.send(
      new SetTopicAttributesCommand({
        TopicArn: topicArn,
        AttributeName: 'KmsMasterKeyId',
        AttributeValue: keyArn,
      }),
    )
  }

  /** So that entries stay in the streams, to be looked at. */
  function pauseWorkers(): Disposable {
    stack.signal('delivery', 'SIGSTOP')
    worker.signal('SIGSTOP')
    return {
      [Symbol.dispose]() {
        stack.signal('delivery', 'SIGCONT')
        worker.signal('SIGCONT')
      },
    }
  }

  /** Publishers on both gateways, each with one message after the other. A refusal is no concern of theirs. */
  function startFlood(topicArn: string, through: readonly SNSClient[] = clients) {
    let stopping = false
    const publisher = async (client: SNSClient) => {
      while (!stopping) await publish(client, topicArn, 'flood').catch(() => undefined)
    }
    const publishers = [...through, ...through, ...through].map(publisher)
    return {
      async stop() {
        stopping = true
        await Promise.all(publishers)
      },
    }
  }

  async function lastEntryOf(topicArn: string, publisher?: string): Promise<string> {
    const stream = keys.streamKey(redis.partitionOf(topicArn, publisher))
    const [[id] = ['0-0']] = await redis.redis.xrevrange(stream, '+', '-', 'COUNT', 1)
    return id ?? '0-0'
  }

  /** The topic's entries up to one and after it. */
  async function entriesAround(mark: string, topicArn: string, publisher?: string) {
    const stream = keys.streamKey(redis.partitionOf(topicArn, publisher))
    const read = async (from: string, to: string) =>
      (await redis.redis.xrange(stream, from, to)).map(([, parts]) => fieldsOf(parts)).filter(isOfTopic)
    const isOfTopic = (entry: Map<string, string>) => entry.get('topic') === topicArn
    return { before: await read('-', mark), after: await read(`(${mark}`, '+') }
  }
})

function policyFor(TopicArn: string, AWS: string, Effect: string): SetTopicAttributesCommand {
  const statement = { Effect, Principal: { AWS }, Action: 'sns:Publish', Resource: TopicArn }
  return new SetTopicAttributesCommand({
    TopicArn,
    AttributeName: 'Policy',
    AttributeValue: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
  })
}

function isClear(entry: Map<string, string>): boolean {
  return !entry.has('edk')
}

function fieldsOf(parts: readonly string[]): Map<string, string> {
  return new Map(parts.flatMap((part, at) => (at % 2 === 0 ? [[part, parts[at + 1] ?? '']] : [])))
}

/** Numerical Recipes' linear congruential generator: the same seed gives the same moments. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
