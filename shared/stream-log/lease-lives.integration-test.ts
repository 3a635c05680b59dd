import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { closeRedis, openRedis, whenReady } from '#shared/redis'
import { startTestRedis } from '#shared/test-redis'
import { acquireLease, keys, readLeaseLives } from './index.ts'

for (const cluster of [false, true]) {
  suite(`readLeaseLives(), ${cluster ? 'cluster' : 'standalone'}`, () => {
    test('tells what is held from what can be taken, without taking it', async () => {
      await using server = await startTestRedis({ cluster })
      await using undo = new AsyncDisposableStack()
      const redis = openRedis({ url: server.url, name: 'test' })
      undo.defer(() => closeRedis(redis))
      await whenReady(redis)
      const lease = await acquireLease({
        redis,
        blockingRedis: () => assert.fail('nobody waits'),
        partition: 1,
        leaseMs: 5_000,
      })
      await redis.set(keys.leaseKey(2), 'without an end')
      await redis.set(keys.leaseKey(3), 'far longer than any', 'PX', 86_400_000)
      const lives = await readLeaseLives({ redis, partitions: [0, 1, 2, 3] })
      const { 1: held, ...others } = Object.fromEntries(lives)
      assert.ok(held !== undefined && held > 4_000 && held <= 5_000)
      assert.deepEqual(others, { 0: undefined, 2: undefined, 3: undefined })
      assert.equal(await redis.exists(keys.leaseKey(0)), 0)
      await lease?.release()
      assert.equal((await readLeaseLives({ redis, partitions: [1] })).get(1), undefined)
    })
  })
}
