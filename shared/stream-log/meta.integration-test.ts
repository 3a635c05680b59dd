import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createRecordMac, createSecretRing } from '#shared/record-mac'
import { closeRedis, openRedis, whenReady } from '#shared/redis'
import { startTestRedis } from '#shared/test-redis'
import { keys, openMeta, watchMeta } from './index.ts'

suite('openMeta()', () => {
  test('keeps the number of partitions of the first start, whoever asks for another', async () => {
    await using t = await setup()
    const answers = await Promise.all([16, 8, 32].map((partitions) => t.open(partitions)))
    for (const answer of answers) assert.deepEqual(answer, { partitions: 16, schemaVersion: 1 })
    const { mac, ...stored } = await t.redis.hgetall(keys.metaKey)
    assert.deepEqual(stored, { schemaVersion: '1', partitions: '16' })
    assert.match(mac ?? '', /^0000000a\./)
  })

  test('refuses a record that was altered, in whatever way', async () => {
    await using t = await setup()
    await t.open(16)
    const genuine = await t.redis.hgetall(keys.metaKey)
    const forged = { code: 'RECORD_FORGED' }
    for (const altered of [
      { partitions: '8' },
      { partitions: '016' },
      { schemaVersion: '2' },
      { schemaVersion: '11', partitions: '6' },
      { mac: 'x' },
    ]) {
      await t.redis.hset(keys.metaKey, { ...genuine, ...altered })
      await assert.rejects(t.open(16), forged, JSON.stringify(altered))
    }
    await t.redis.hset(keys.metaKey, genuine)
    for (const missing of ['mac', 'partitions', 'schemaVersion']) {
      await t.redis.hdel(keys.metaKey, missing)
      await assert.rejects(t.open(16), forged, missing)
      await t.redis.hset(keys.metaKey, genuine)
    }
    await t.redis.set(keys.metaKey, 'x')
    await assert.rejects(t.open(16), forged)
  })

  test('refuses data of another schema and unusable numbers, although one of us wrote them', async () => {
    await using t = await setup()
    for (const [schemaVersion, partitions] of [
      ['2', '16'],
      ['1', '0'],
      ['1', 'many'],
    ] as const) {
      const mac = t.recordMac.authenticate('meta', [schemaVersion, partitions])
      await t.redis.hset(keys.metaKey, { schemaVersion, partitions, mac })
      await assert.rejects(t.open(16), { code: 'SCHEMA_UNSUPPORTED' }, `${schemaVersion} ${partitions}`)
    }
  })

  test('refuses to choose a number anew that would leave a stream unread', async () => {
    await using t = await setup()
    await t.redis.xadd(keys.streamKey(11), '*', 'a', 'b')
    await t.redis.set('sealcast:{p:x}:stream', '')
    await t.redis.set('sealcast:{p:99999}:stream', '')
    await assert.rejects(t.open(11), { code: 'SCHEMA_UNSUPPORTED', message: /12 partitions/ })
    assert.equal(await t.redis.exists(keys.metaKey), 0)
    assert.equal((await t.open(12)).partitions, 12)
  })

  test('refuses a number of partitions out of range before it stores one', async () => {
    await using t = await setup()
    for (const partitions of [0, 4097, 1.5, Number.NaN]) await assert.rejects(t.open(partitions), RangeError)
    assert.equal(await t.redis.exists(keys.metaKey), 0)
  })
})

suite('watchMeta()', () => {
  test('puts a record back that was altered or taken away, and reports the altered one', async () => {
    await using t = await setup()
    await t.open(16)
    const genuine = await t.redis.hgetall(keys.metaKey)
    using watch = t.watch(16)
    await t.redis.hset(keys.metaKey, 'partitions', '8')
    await watch.until(() => watch.forged() === 1)
    await t.redis.set(keys.metaKey, 'x')
    await watch.until(() => watch.forged() === 2)
    await t.redis.del(keys.metaKey)
    await watch.until(async () => (await t.redis.exists(keys.metaKey)) === 1)
    assert.deepEqual(await t.redis.hgetall(keys.metaKey), genuine)
    assert.deepEqual(watch.disagreements, [])
  })

  test('reports a genuine record that differs, once, and leaves it', async () => {
    await using t = await setup()
    await t.open(8)
    using watch = t.watch(16)
    await watch.until(() => watch.disagreements.length > 0)
    await delay(50)
    assert.deepEqual(watch.disagreements, [8])
    assert.equal(watch.forged(), 0)
    assert.equal((await t.open(16)).partitions, 8)
  })
})

async function setup() {
  const server = await startTestRedis()
  const redis = openRedis({ url: server.url, name: 'test' })
  await whenReady(redis)
  const recordMac = createRecordMac(
    createSecretRing('0000000a', new Map([['0000000a', createSecretKey(Buffer.alloc(32, 7))]])),
  )
  return {
    redis,
    recordMac,
    open: (partitions: number) => openMeta({ redis, recordMac, partitions }),
    watch(partitions: number) {
      let forged = 0
      const disagreements: number[] = []
      const watching = watchMeta({
        redis,
        recordMac,
        partitions,
        pauseMs: 5,
        onForged: () => forged++,
        onDisagreement: (stored) => disagreements.push(stored),
      })
      return {
        forged: () => forged,
        disagreements,
        async until(condition: () => boolean | Promise<boolean>) {
          const deadline = Date.now() + 5_000
          while (!(await condition())) {
            assert.ok(Date.now() < deadline, 'the condition did not come true in time')
            await delay(5)
          }
        },
        [Symbol.dispose]: () => watching[Symbol.dispose](),
      }
    },
    async [Symbol.asyncDispose]() {
      await closeRedis(redis)
      await server[Symbol.asyncDispose]()
    },
  }
}
