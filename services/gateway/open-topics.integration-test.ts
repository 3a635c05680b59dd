import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { after, suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createCatalog, type Topic } from '#shared/catalog'
import { systemClock } from '#shared/clock'
import { createRecordMac, createSecretRing } from '#shared/record-mac'
import { closeRedis, openRedis, type Redis, whenReady } from '#shared/redis'
import { startTestRedis } from '#shared/test-redis'
import { openTopics } from './open-topics.ts'

const APPEND_MS = 500
/** After this a change is answered, whoever has not acknowledged it. */
const BOUND_MS = 1_000 + APPEND_MS
/** What a change that all acknowledge stays far below, on a busy machine too. */
const PROMPT_MS = 700
const ROUNDS = 20
const NOTICES = 'sealcast:change-notices'
const MEMBERS = 'sealcast:members:gateway'

for (const mode of ['standalone', 'cluster'] as const) {
  suite(`settle(), ${mode}`, () => {
    const starting = startTestRedis({ cluster: mode === 'cluster' })
    const setup = async () => setupOn((await starting).url)
    after(async () => (await starting)[Symbol.asyncDispose]())

    test('is prompt, alone and with others', async () => {
      await using t = await setup()
      const a = await t.gateway()
      const arn = await t.createTopic()
      assert.ok((await timed(() => a.topicChanges.settle(arn))) < PROMPT_MS)
      await t.gateway()
      await t.gateway()
      assert.ok((await timed(() => a.topicChanges.settle(arn))) < PROMPT_MS)
      assert.deepEqual(t.unconfirmed, [])
    })

    test('has the other gateways forget what they knew', async () => {
      await using t = await setup()
      const [a, b] = [await t.gateway(), await t.gateway()]
      const arn = await t.createTopic()
      for (let round = 0; round < ROUNDS; round++) {
        const name = `round ${round}`
        await b.topics.find(arn)
        await t.rename(arn, name)
        // The control: without settling, the other gateway does not know.
        assert.notEqual((await b.topics.find(arn))?.attributes.displayName, name)
        await a.topicChanges.settle(arn)
        assert.equal((await b.topics.find(arn))?.attributes.displayName, name)
      }
    })

    test('leaves no write by the old topic to come, whoever was deciding or writing by it', async () => {
      await using t = await setup()
      const [a, b] = [await t.gateway(), await t.gateway()]
      for (let round = 0; round < ROUNDS; round++) {
        const arn = await t.createTopic()
        const publishers = [a, a, b, b, b].map((gateway) => hammer(gateway, arn))
        await delay(10)
        await t.giveKey(arn)
        await a.topicChanges.settle(arn)
        const settledAt = Number(await a.redis.incr('order'))
        await delay(10)
        const writes = (await Promise.all(publishers.map((publisher) => publisher.stop()))).flat()
        assert.ok(writes.some(({ key }) => key === undefined) && writes.some(({ key }) => key !== undefined))
        assert.deepEqual(
          writes.filter(({ key, order }) => key === undefined && order > settledAt),
          [],
        )
      }
      assert.deepEqual(t.unconfirmed, [])
    })

    test('would let such writes through if it did not wait', async () => {
      await using t = await setup()
      const b = await t.gateway()
      const arn = await t.createTopic()
      const publisher = hammer(b, arn)
      await delay(10)
      await t.giveKey(arn)
      const changedAt = Number(await b.redis.incr('order'))
      await delay(50)
      assert.ok((await publisher.stop()).some(({ key, order }) => key === undefined && order > changedAt))
    })

    test('waits for writes of this and of other gateways that are under way', async () => {
      await using t = await setup()
      const [a, b] = [await t.gateway(), await t.gateway()]
      const arn = await t.createTopic()
      for (const gateway of [a, b]) {
        const begun = Promise.withResolvers<void>()
        const end = Promise.withResolvers<void>()
        const write = () => {
          begun.resolve()
          return end.promise
        }
        const used = gateway.topics.use(arn, ({ store }) => store(write))
        await begun.promise
        let settled = false
        const settling = a.topicChanges.settle(arn).then(() => {
          settled = true
        })
        await delay(100)
        assert.equal(settled, false)
        end.resolve()
        await Promise.all([used, settling])
      }
      assert.deepEqual(t.unconfirmed, [])
    })

    test('waits as long as a read may be trusted for a gateway that does not hear, and says so', async () => {
      await using t = await setup()
      const [a, b] = [await t.gateway(), await t.gateway()]
      const arn = await t.createTopic()
      await closeRedis(b.noticeConnection)
      const took = await timed(() => a.topicChanges.settle(arn))
      assert.ok(took >= BOUND_MS - 10 && took < BOUND_MS + PROMPT_MS, `${took} ms`)
      assert.deepEqual(t.unconfirmed, [arn])
      await b[Symbol.asyncDispose]()
      assert.ok((await timed(() => a.topicChanges.settle(arn))) < PROMPT_MS)
    })
  })
}

suite('a gateway', () => {
  const starting = startTestRedis({ appendonly: true })
  const setup = async () => setupOn((await starting).url)
  after(async () => (await starting)[Symbol.asyncDispose]())

  test('trusts nothing while its connection for notices is down, and hears again when it is back', async () => {
    await using t = await setup()
    const [a, b] = [await t.gateway(), await t.gateway()]
    const arn = await t.createTopic()
    await b.topics.find(arn)
    const closed = once(b.noticeConnection, 'close')
    const subscribed = b.nextSubscription()
    await a.redis.client('KILL', 'TYPE', 'PUBSUB')
    await closed
    await t.rename(arn, 'meanwhile')
    assert.equal((await b.topics.find(arn))?.attributes.displayName, 'meanwhile')
    await subscribed
    await b.topics.find(arn)
    await t.rename(arn, 'afterwards')
    assert.equal((await b.topics.find(arn))?.attributes.displayName, 'meanwhile')
    await a.topicChanges.settle(arn)
    assert.equal((await b.topics.find(arn))?.attributes.displayName, 'afterwards')
  })

  test('forgets what it knew when its connection for notices comes back', async () => {
    await using t = await setup()
    const [a, b] = [await t.gateway(), await t.gateway()]
    const arn = await t.createTopic()
    await b.topics.find(arn)
    const subscribed = b.nextSubscription()
    await a.redis.client('KILL', 'TYPE', 'PUBSUB')
    await t.rename(arn, 'while it was deaf')
    await subscribed
    assert.equal((await b.topics.find(arn))?.attributes.displayName, 'while it was deaf')
  })

  test('is on the list of gateways again after Redis was gone, before it stores anything', async () => {
    await using t = await setup()
    const b = await t.gateway()
    const arn = await t.createTopic()
    const redis = await starting
    const [closed, back] = [once(b.redis, 'close'), once(b.redis, 'ready')]
    redis.kill()
    await closed
    await redis.start()
    await back
    await b.redis.del(MEMBERS)
    await b.topics.use(arn, ({ store }) => store(async () => assert.equal(await b.redis.zcard(MEMBERS), 1)))
    const a = await t.gateway()
    await a.topicChanges.settle(arn)
    await t.rename(arn, 'after the restart')
    await a.topicChanges.settle(arn)
    assert.equal((await b.topics.find(arn))?.attributes.displayName, 'after the restart')
  })
})

suite('whoever writes Redis without a secret', () => {
  const starting = startTestRedis()
  const setup = async () => setupOn((await starting).url)
  after(async () => (await starting)[Symbol.asyncDispose]())

  test('cannot make an acknowledgement, nor use one again', async () => {
    await using t = await setup()
    const [a, b] = [await t.gateway(), await t.gateway()]
    const arn = await t.createTopic()
    const spy = await t.spy()
    const acknowledged = spy.nextAcknowledgement()
    await a.topicChanges.settle(arn)
    const [channel, genuine] = await acknowledged
    await closeRedis(b.noticeConnection)
    const noticed = spy.nextNotice()
    const settling = timed(() => a.topicChanges.settle(arn))
    const notice = await noticed
    const [, noticeId = ''] = notice.split(' ')
    const [mac, , gatewayId = ''] = genuine.split(' ')
    const forgeries = [
      genuine,
      `${mac} ${noticeId} ${gatewayId}`,
      `${notice.split(' ')[0]} ${noticeId} ${gatewayId}`,
      `${noticeId} ${gatewayId}`,
      'x'.repeat(100_000),
    ]
    for (const forgery of forgeries) await spy.redis.publish(channel, forgery)
    assert.ok((await settling) >= BOUND_MS - 10)
    // The one that was used again is genuine, of a change that nobody waits for.
    assert.deepEqual(t.forged, new Array(forgeries.length - 1).fill('change-ack'))
  })

  test('makes a gateway read a topic once more with a notice used again, and does nothing with one made up', async () => {
    await using t = await setup()
    const [a, b] = [await t.gateway(), await t.gateway()]
    const [arn, other] = [await t.createTopic(), await t.createTopic()]
    const spy = await t.spy()
    const noticed = spy.nextNotice()
    await a.topicChanges.settle(arn)
    const genuine = await noticed
    for (const one of [arn, other]) await b.topics.find(one)
    const acknowledged = spy.nextAcknowledgement()
    for (const notice of [genuine.replace(arn, other), 'x', '', `${genuine} `, genuine]) {
      await spy.redis.publish(NOTICES, notice)
    }
    await acknowledged
    // Each of the two gateways, each of the four made up.
    assert.deepEqual(t.forged, new Array(8).fill('change-notice'))
    for (const one of [arn, other]) await t.rename(one, 'new')
    assert.equal((await b.topics.find(arn))?.attributes.displayName, 'new')
    assert.notEqual((await b.topics.find(other))?.attributes.displayName, 'new')
  })

  test('delays a change with gateways that do not exist, by no more than its bound', async () => {
    await using t = await setup()
    const a = await t.gateway()
    const arn = await t.createTopic()
    const spy = await t.spy()
    const ghosts = Array.from({ length: 500 }, () => [Date.now() + 60_000, randomBytes(16).toString('hex')]).flat()
    await spy.redis.zadd(MEMBERS, ...ghosts)
    const took = await timed(() => a.topicChanges.settle(arn))
    assert.ok(took < BOUND_MS + PROMPT_MS, `${took} ms`)
  })

  test('cannot hide a gateway: one that hears is waited for, one that does not trusts nothing', async () => {
    await using t = await setup()
    const [a, b] = [await t.gateway(), await t.gateway()]
    const arn = await t.createTopic()
    const begun = Promise.withResolvers<void>()
    const end = Promise.withResolvers<void>()
    const used = b.topics.use(arn, ({ store }) =>
      store(() => {
        begun.resolve()
        return end.promise
      }),
    )
    await begun.promise
    await a.redis.del(MEMBERS)
    let settled = false
    const settling = a.topicChanges.settle(arn).then(() => {
      settled = true
    })
    await delay(100)
    assert.equal(settled, false)
    end.resolve()
    await Promise.all([used, settling])
    assert.deepEqual(t.unconfirmed, [])
  })
})

type Gateway = Awaited<ReturnType<Awaited<ReturnType<typeof setupOn>>['gateway']>>

/** Publishes again and again, and notes for each write the key it was decided by and when Redis did it. */
function hammer(gateway: Gateway, arn: string) {
  const writes: { key: string | undefined; order: number }[] = []
  let stopping = false
  const publishOn = async () => {
    while (!stopping) {
      await gateway.topics.use(arn, async ({ topic, store }) => {
        const key = topic.attributes.kmsMasterKeyId
        // As long as obtaining a data key may take.
        if (writes.length % 3 === 0) await delay(Math.random() * 5)
        writes.push({ key, order: await store(() => gateway.redis.incr('order')) })
      })
    }
  }
  const publishing = publishOn()
  return {
    async stop() {
      stopping = true
      await publishing
      return writes
    },
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

async function setupOn(url: string) {
  const open = new AsyncDisposableStack()
  const connect = async (name: string): Promise<Redis> => {
    const redis = openRedis({ url, name })
    open.defer(() => closeRedis(redis))
    await whenReady(redis)
    return redis
  }
  const secrets = new Map([['0000000a', createSecretKey(Buffer.alloc(32, 7))]])
  const recordMac = createRecordMac(createSecretRing('0000000a', secrets))
  const unconfirmed: string[] = []
  const forged: string[] = []
  const gateways: number[] = []
  const operator = await connect('operator')
  await operator.flushall()
  const operators = createCatalog({ redis: operator, recordMac, onForged: () => undefined })
  const change = async (arn: string, attributes: Topic['attributes']) => {
    // It may be the last to have noticed that a server is back.
    await whenReady(operator)
    await operators.changeTopic(arn, (topic) => ({ ...topic, attributes: { ...topic.attributes, ...attributes } }))
  }
  return {
    unconfirmed,
    forged,
    gateways,
    rename: (arn: string, displayName: string) => change(arn, { displayName }),
    giveKey: (arn: string) => change(arn, { kmsMasterKeyId: 'alias/a' }),
    async createTopic() {
      const name = `t-${randomBytes(6).toString('hex')}`
      const arn = `arn:aws:sns:us-east-1:000000000000:${name}`
      const incarnation = randomBytes(16).toString('hex')
      await operators.createTopic({ arn, incarnation, owner: '000000000000', createdAt: Date.now(), attributes: {} })
      return arn
    },
    async gateway() {
      const [redis, noticeConnection] = [await connect('gateway'), await connect('notices')]
      const known = await openTopics({
        redis,
        noticeConnection,
        recordMac,
        catalog: createCatalog({ redis, recordMac, onForged: () => undefined }),
        clock: systemClock,
        appendMs: APPEND_MS,
        onGateways: (count) => gateways.push(count),
        onForged: ({ kind }) => forged.push(kind),
        onUnconfirmed: (arn) => unconfirmed.push(arn),
      })
      open.use(known)
      return {
        ...known,
        redis,
        noticeConnection,
        /** Resolves after the next SUBSCRIBE was answered and heeded. */
        nextSubscription: async () => {
          await once(noticeConnection, 'ready')
          // Answered after the SUBSCRIBE that was sent before it.
          await noticeConnection.ping()
        },
      }
    },
    /** Somebody who sees all that passes. MONITOR: one who subscribed would be waited for. */
    async spy() {
      const redis = await connect('attacker')
      const monitor = await redis.monitor()
      open.defer(() => monitor.disconnect())
      const next = (isWanted: (channel: string) => boolean) =>
        new Promise<[channel: string, text: string]>((resolve) => {
          const look = (_: string, [command = '', channel = '', text = '']: string[]) => {
            if (command.toLowerCase() !== 'publish' || !isWanted(channel)) return
            monitor.off('monitor', look)
            resolve([channel, text])
          }
          monitor.on('monitor', look)
        })
      return {
        redis,
        nextNotice: () => next((channel) => channel === NOTICES).then(([, text]) => text),
        nextAcknowledgement: () => next((channel) => channel !== NOTICES),
      }
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  }
}
