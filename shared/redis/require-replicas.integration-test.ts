import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startTestRedis, type TestRedis } from '#shared/test-redis'
import { closeRedis, countReplicas, openRedis, type Redis, redisCall, requireReplicas, whenReady } from './index.ts'
import { defineScriptText } from './redis-script.ts'

suite('requireReplicas()', () => {
  test('lets writes return when the replica has them, and reads at once', async () => {
    await using t = await setup()
    await redisCall(t.redis, () => t.redis.set('a', '1'), { writes: true })
    assert.equal(await t.replica.cli('get', 'a'), '1')
    assert.equal(await countReplicas(t.redis), 1)
  })

  test('covers a script that the server had forgotten, which is sent twice', async () => {
    await using t = await setup()
    const script = defineScriptText("return redis.call('INCR', KEYS[1])")
    for (let n = 1; n <= 3; n++) {
      await t.primary.cli('script', 'flush')
      assert.equal(await redisCall(t.redis, () => script.run(t.redis, ['n'], []), { writes: true }), n)
      assert.equal(await t.replica.cli('get', 'n'), String(n))
    }
  })

  test('asks once for all writes that come together, and says so for none of them falsely', async () => {
    await using t = await setup()
    const writes = Array.from({ length: 2_000 }, () => redisCall(t.redis, () => t.redis.incr('n'), { writes: true }))
    await Promise.all(writes)
    assert.equal(await t.replica.cli('get', 'n'), '2000')
    const stats = await t.primary.cli('info', 'commandstats')
    const waits = Number(/cmdstat_wait:calls=(\d+)/.exec(stats)?.[1])
    assert.ok(waits >= 1 && waits < 200, `${waits} WAITs for 2,000 writes`)
  })

  test('fails a write while the replica is silent, in bounded time, and not afterwards', async () => {
    await using t = await setup({ timeoutMs: 200 })
    t.replica.pause()
    const startedAt = performance.now()
    await assert.rejects(
      redisCall(t.redis, () => t.redis.set('a', '1'), { writes: true }),
      { code: 'REDIS_UNDER_REPLICATED' },
    )
    // A read stands behind the wait of a write, and no longer.
    const late = redisCall(t.redis, () => t.redis.set('b', '1'), { writes: true })
    assert.equal(await redisCall(t.redis, () => t.redis.get('a')), '1')
    await assert.rejects(late, { code: 'REDIS_UNDER_REPLICATED' })
    assert.ok(performance.now() - startedAt < 1500)
    t.replica.resume()
    // It answers again as soon as the machine lets it.
    const again = () => redisCall(t.redis, () => t.redis.set('c', '1'), { writes: true })
    for (let attempt = 1; attempt <= 20; attempt++) {
      const failure = await again().catch((error: unknown) => error)
      if (!(failure instanceof Error)) break
      assert.ok(attempt < 20, failure.message)
    }
    assert.equal(await t.replica.cli('mget', 'a', 'b', 'c'), '1\n1\n1')
  })

  test('fails writes when the replica is gone', async () => {
    await using t = await setup({ timeoutMs: 100 })
    await t.replica.stop()
    await assert.rejects(
      redisCall(t.redis, () => t.redis.set('a', '1'), { writes: true }),
      { code: 'REDIS_UNDER_REPLICATED' },
    )
    assert.equal(await countReplicas(t.redis), 0)
  })

  test('says outcome unknown when the primary dies between a reply and its replicas', async () => {
    await using t = await setup({ timeoutMs: 1500 })
    t.replica.pause()
    const write = redisCall(t.redis, () => t.redis.set('a', '1'), { writes: true })
    // Answered before the write's WAIT, so that the write was done by then.
    while ((await t.primary.cli('get', 'a')) !== '1');
    t.primary.kill()
    await assert.rejects(write, { code: 'REDIS_OUTCOME_UNKNOWN' })
    t.replica.resume()
  })

  test('loses nothing that was acknowledged when the primary dies before a slow replica that takes over', async () => {
    for (let round = 0; round < 3; round++) {
      await using t = await setup()
      const acknowledged: number[] = []
      let sent = 0
      const publisher = async () => {
        for (;;) {
          const id = sent++
          await redisCall(t.redis, () => t.redis.xadd('s', '*', 'id', id), { writes: true })
          acknowledged.push(id)
          if (acknowledged.length !== 2_000) continue
          // What is acknowledged while the replica takes nothing in would be lost with the primary.
          t.replica.pause()
          setTimeout(t.primary.kill, 100)
        }
      }
      await Promise.allSettled(Array.from({ length: 64 }, publisher))
      t.replica.resume()
      await t.replica.cli('replicaof', 'no', 'one')
      const kept = new Set((await t.replica.cli('xrange', 's', '-', '+')).split('\n'))
      assert.ok(acknowledged.length >= 2_000)
      assert.deepEqual(
        acknowledged.filter((id) => !kept.has(String(id))),
        [],
      )
    }
  })
})

async function setup({
  timeoutMs = 1000,
}: {
  timeoutMs?: number
} = {}): Promise<AsyncDisposable & { primary: TestRedis; replica: TestRedis; redis: Redis }> {
  await using cleanup = new AsyncDisposableStack()
  const primary = cleanup.use(await startTestRedis())
  const replica = cleanup.use(await startTestRedis({ replicaOf: primary.port }))
  const redis = openRedis({ url: primary.url, name: 'test' })
  cleanup.defer(() => closeRedis(redis))
  await whenReady(redis)
  requireReplicas(redis, { replicas: 1, timeoutMs })
  const held = cleanup.move()
  return { primary, replica, redis, [Symbol.asyncDispose]: () => held.disposeAsync() }
}
