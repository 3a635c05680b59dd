import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startTestRedis } from '#shared/test-redis'
import { closeRedis, openRedis, scanKeys, whenReady } from './index.ts'

suite('scanKeys()', () => {
  test('gives every key that matches, over many steps, also while others come and go', async () => {
    await using t = await setup()
    const { redis } = t
    const names = Array.from({ length: 3_000 }, (_, at) => `found:${at}`)
    await redis.mset(names.flatMap((name) => [name, 'x']))
    await redis.set('other:1', 'x')
    const found: string[] = []
    let steps = 0
    for await (const some of scanKeys(redis, 'found:*')) {
      assert.equal(new Set(some).size, some.length)
      found.push(...some)
      steps++
      await redis.mset(Array.from({ length: 1_000 }, (_, at) => [`other:${steps}:${at}`, 'x']).flat())
    }
    assert.ok(steps > 1, `${steps} steps`)
    assert.deepEqual([...new Set(found)].toSorted(), names.toSorted())
  })

  test('says unavailable when Redis is gone', async () => {
    await using t = await setup()
    await closeRedis(t.redis)
    await assert.rejects(scanKeys(t.redis, '*').next(), { code: 'REDIS_UNAVAILABLE' })
  })
})

async function setup() {
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
