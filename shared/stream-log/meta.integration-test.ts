import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { closeRedis, openRedis, type Redis, whenReady } from '#shared/redis'
import { startTestRedis } from '#shared/test-redis'
import { keys, openMeta } from './index.ts'

suite('openMeta()', () => {
  test('keeps the number of partitions of the first start, whoever asks for another', async () => {
    await using t = await setup()
    const { redis } = t
    const answers = await Promise.all([16, 8, 32].map((partitions) => openMeta({ redis, partitions })))
    for (const answer of answers) assert.deepEqual(answer, { partitions: 16, schemaVersion: 1 })
    assert.deepEqual(await redis.hgetall(keys.metaKey), { schemaVersion: '1', partitions: '16' })
  })

  test('refuses data of another schema, and unusable numbers', async () => {
    await using t = await setup()
    const { redis } = t
    const refused = { code: 'SCHEMA_UNSUPPORTED' }
    for (const stored of [
      { schemaVersion: '2', partitions: '16' },
      { schemaVersion: '1', partitions: '0' },
      { schemaVersion: '1', partitions: 'many' },
      { schemaVersion: '1' },
      { partitions: '16' },
    ]) {
      await redis.del(keys.metaKey)
      await redis.hset(keys.metaKey, stored)
      await assert.rejects(openMeta({ redis, partitions: 16 }), refused, JSON.stringify(stored))
    }
  })

  test('refuses a number of partitions out of range before it stores one', async () => {
    await using t = await setup()
    for (const partitions of [0, 4097, 1.5, Number.NaN]) {
      await assert.rejects(openMeta({ redis: t.redis, partitions }), RangeError)
    }
    assert.equal(await t.redis.exists(keys.metaKey), 0)
  })
})

async function setup(): Promise<AsyncDisposable & { redis: Redis }> {
  const server = await startTestRedis()
  const redis = openRedis({ url: server.url, name: 'test' })
  await whenReady(redis)
  return {
    redis,
    async [Symbol.asyncDispose]() {
      await closeRedis(redis)
      await server[Symbol.asyncDispose]()
    },
  }
}
