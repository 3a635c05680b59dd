import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { closeRedis, openRedis, type Redis, whenReady } from '#shared/redis'
import { startTestRedis, type TestRedis } from '#shared/test-redis'
import { createMembership, MAX_MEMBERS } from './index.ts'

const KEY = 'sealcast:members:delivery'
const TTL_MS = 60_000

for (const mode of ['standalone', 'cluster'] as const) {
  suite(`createMembership(), ${mode}`, () => {
    const shared = shareServer({ cluster: mode === 'cluster' })
    after(() => shared.dispose())

    test('beat() gives those alive in order, each role its own', async () => {
      const { join } = await shared.setup()
      const [a, b] = [join(), join()]
      assert.match(a.id, /^[0-9a-f]{32}$/)
      assert.deepEqual(await a.beat(), [a.id])
      assert.deepEqual(await b.beat(), [a.id, b.id].toSorted())
      assert.deepEqual(await a.beat(), [a.id, b.id].toSorted())
      const gateway = join({ role: 'gateway' })
      assert.deepEqual(await gateway.beat(), [gateway.id])
    })

    test('list() does not announce', async () => {
      const { join } = await shared.setup()
      const [a, b] = [join(), join()]
      await a.beat()
      assert.deepEqual(await b.list(), [a.id])
      assert.deepEqual(await a.list(), [a.id])
    })

    test('leave() takes a member off at once, and a beat puts it on again', async () => {
      const { join } = await shared.setup()
      const [a, b] = [join(), join()]
      await a.beat()
      await b.beat()
      await a.leave()
      assert.deepEqual(await b.list(), [b.id])
      await a.beat()
      assert.deepEqual(await b.list(), [a.id, b.id].toSorted())
    })

    test('forgets a member whose last beat is longer ago than its ttl, and the key after the last one', async () => {
      const { join, redis } = await shared.setup()
      const [a, b] = [join({ ttlMs: 150 }), join()]
      await a.beat()
      await b.beat()
      await delay(200)
      assert.deepEqual(await b.list(), [b.id])
      assert.deepEqual(await b.beat(), [b.id])
      assert.equal(await redis.zcard(KEY), 1)
      assert.ok((await redis.pttl(KEY)) > 0)
    })

    test('does not believe ids of another form, or announcements longer than any', async () => {
      const { join, redis } = await shared.setup()
      const a = join()
      await a.beat()
      await redis.zadd(KEY, Date.now() + TTL_MS, 'no id', 'inf', randomBytes(16).toString('hex'))
      assert.deepEqual(await a.list(), [a.id])
      assert.deepEqual(await a.beat(), [a.id])
    })

    test('believes a bounded number, and itself always', async () => {
      const { join, redis } = await shared.setup()
      const a = join()
      const ghosts = Array.from({ length: 2 * MAX_MEMBERS }, () => [
        Date.now() + 2 * TTL_MS,
        randomBytes(16).toString('hex'),
      ]).flat()
      await redis.zadd(KEY, ...ghosts)
      const believed = await a.beat()
      assert.equal(believed.length, MAX_MEMBERS + 1)
      assert.ok(believed.includes(a.id))
      assert.equal((await a.list()).length, MAX_MEMBERS)
    })

    test('makes a key of another type anew, and says so', async () => {
      const { join, redis, foreign } = await shared.setup()
      const a = join()
      await redis.set(KEY, 'x')
      assert.deepEqual(await a.list(), [])
      assert.deepEqual(await a.beat(), [a.id])
      assert.equal(foreign(), 1)
    })

    test('beats in a Redis that is full', async () => {
      const { join, redis } = await shared.setup()
      await redis.config('SET', 'maxmemory', '1')
      try {
        const a = join()
        assert.deepEqual(await a.beat(), [a.id])
        assert.deepEqual(await a.list(), [a.id])
      } finally {
        await redis.config('SET', 'maxmemory', '0')
      }
    })
  })
}

suite('createMembership()', () => {
  test('refuses lives and ids that it would not believe of others', () => {
    const redis = undefined as unknown as Redis
    for (const ttlMs of [0, -1, Number.NaN, 600_001]) {
      assert.throws(() => createMembership({ redis, role: 'gateway', ttlMs }), RangeError)
    }
    assert.throws(() => createMembership({ redis, role: 'gateway', ttlMs: 1, id: 'short' }), RangeError)
  })
})

function shareServer({ cluster }: { cluster: boolean }) {
  const opened: (() => Promise<void>)[] = []
  let server: Promise<{ server: TestRedis; redis: Redis }> | undefined
  const open = async () => {
    const started = await startTestRedis({ cluster })
    const redis = openRedis({ url: started.url, name: 'test' })
    opened.push(async () => {
      await closeRedis(redis)
      await started[Symbol.asyncDispose]()
    })
    await whenReady(redis)
    return { server: started, redis }
  }
  return {
    async setup() {
      server ??= open()
      const { redis } = await server
      await redis.flushall()
      let foreign = 0
      return {
        redis,
        foreign: () => foreign,
        join: (o: { role?: 'gateway' | 'delivery'; ttlMs?: number } = {}) =>
          createMembership({ redis, role: 'delivery', ttlMs: TTL_MS, onForeign: () => void foreign++, ...o }),
      }
    },
    async dispose() {
      for (const close of opened) await close()
    },
  }
}
