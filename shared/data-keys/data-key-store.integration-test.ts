import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { suite, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createRecordMac, createSecretRing } from '#shared/record-mac'
import { closeRedis, openRedis, whenReady } from '#shared/redis'
import { startTestRedis } from '#shared/test-redis'
import { recordNameOf } from './data-key-pair.ts'
import { createDataKeyStore } from './data-key-store.ts'
import { pair, record, testDataKeyStore } from './data-key-store-conformance.ts'

for (const cluster of [false, true]) {
  const kind = cluster ? 'in cluster mode' : 'of its own'
  testDataKeyStore(`a data-key store on a Redis ${kind}`, async () => {
    const { store, server, close } = await setup({ cluster })
    return {
      store,
      expireLock: async (locked) => {
        const name = `sealcast:{t:${locked.topicArn}}:datakey:${recordNameOf(locked)}:lock`
        assert.equal(await server.cli('DEL', name), '1')
      },
      // One more, since Redis looks at its clock once a command, in whole milliseconds.
      passTime: (ms) => pause(ms + 1),
      clear: async () => void (await server.cli('FLUSHALL')),
      close,
    }
  })
}

suite('createDataKeyStore()', () => {
  test('writes a record under the name and with the life that others rely on', async () => {
    await using redis = await setup()
    const token = await redis.store.lock(pair, 60_000)
    assert.ok(token !== undefined)
    assert.deepEqual((await redis.server.cli('KEYS', '*')).split('\n'), [`${redis.key}:lock`])
    const lockLifeMs = Number(await redis.server.cli('PTTL', `${redis.key}:lock`))
    assert.ok(lockLifeMs > 50_000 && lockLifeMs <= 60_000, String(lockLifeMs))
    await redis.store.write(pair, { record, token, leaseMs: 60_000, lifeMs: 300_000 })
    assert.deepEqual((await redis.server.cli('KEYS', '*')).split('\n'), [redis.key])
    const lifeMs = Number(await redis.server.cli('PTTL', redis.key))
    assert.ok(lifeMs > 290_000 && lifeMs <= 300_000, String(lifeMs))
  })

  test('reports a forged record, treats it as absent and lets it be overwritten', async () => {
    await using redis = await setup()
    await redis.write()
    const genuine = await redis.server.cli('GET', redis.key)
    for (const forged of [genuine.replace('"notAfter":1', '"notAfter":2'), 'no record', '']) {
      redis.reports.length = 0
      await redis.server.cli('SET', redis.key, forged)
      assert.equal(await redis.store.read(pair), undefined)
      assert.deepEqual(redis.reports, [{ kind: 'data-key', topicArn: pair.topicArn }])
    }
    await redis.write()
    assert.deepEqual((await redis.store.read(pair))?.record, record)
  })

  test('reports keys of another type, and stores over them', async () => {
    await using redis = await setup()
    await redis.server.cli('RPUSH', redis.key, 'x')
    await redis.server.cli('RPUSH', `${redis.key}:lock`, 'x')
    assert.equal(await redis.store.read(pair), undefined)
    await redis.write()
    assert.deepEqual((await redis.store.read(pair))?.record, record)
    assert.deepEqual(redis.reports, new Array(2).fill({ kind: 'data-key', topicArn: pair.topicArn }))
  })

  test('reports a genuine record that was made to last for ever, and treats it as absent', async () => {
    await using redis = await setup()
    await redis.write()
    assert.equal(await redis.server.cli('PERSIST', redis.key), '1')
    assert.equal(await redis.store.read(pair), undefined)
    assert.deepEqual(redis.reports, [{ kind: 'data-key', topicArn: pair.topicArn }])
  })

  test('takes over a lock that would never, or not for long, run out, and reports it', async () => {
    await using redis = await setup()
    const lock = `${redis.key}:lock`
    for (const set of [
      ['SET', lock, 'x'],
      ['SET', lock, 'x', 'PX', '60000'],
      ['SADD', lock, 'x'],
    ]) {
      await redis.server.cli(...set)
      assert.notEqual(await redis.store.lock(pair, 5_000), undefined)
      assert.equal(redis.reports.splice(0).length, 1)
      assert.equal(await redis.store.lock(pair, 5_000), undefined)
      assert.equal(redis.reports.length, 0)
      await redis.server.cli('DEL', lock)
    }
  })

  test('refuses a genuine record that was copied to another pair', async () => {
    await using redis = await setup()
    await redis.write()
    const other = { ...pair, principal: 'arn:aws:iam::000000000000:user/mallory' }
    const otherKey = `sealcast:{t:${other.topicArn}}:datakey:${recordNameOf(other)}`
    await redis.server.cli('COPY', redis.key, otherKey)
    assert.equal(await redis.store.read(other), undefined)
    assert.equal(redis.reports.length, 1)
  })

  test('says that Redis is unavailable, never that a message may have been stored', async () => {
    await using redis = await setup({ commandTimeoutMs: 200 })
    redis.server.pause()
    const { store } = redis
    await assert.rejects(store.read(pair), { code: 'REDIS_UNAVAILABLE' })
    await assert.rejects(store.lock(pair, 5_000), { code: 'REDIS_UNAVAILABLE' })
    await assert.rejects(store.write(pair, { record, token: 't', leaseMs: 5_000, lifeMs: 1_000 }), {
      code: 'REDIS_UNAVAILABLE',
    })
    await assert.rejects(store.unlock(pair, 't'), { code: 'REDIS_UNAVAILABLE' })
    redis.server.resume()
  })
})

async function setup({
  cluster = false,
  commandTimeoutMs = 3_000,
}: {
  cluster?: boolean
  commandTimeoutMs?: number
} = {}) {
  const server = await startTestRedis({ cluster })
  const redis = openRedis({ url: server.url, name: 'data-keys-test', commandTimeoutMs })
  await whenReady(redis)
  const secrets = new Map([['0000000a', createSecretKey(Buffer.alloc(32, 1))]])
  const recordMac = createRecordMac(createSecretRing('0000000a', secrets))
  const reports: unknown[] = []
  const store = createDataKeyStore({ redis, recordMac, onForged: (what) => reports.push(what) })
  const close = async () => {
    await closeRedis(redis)
    await server[Symbol.asyncDispose]()
  }
  return {
    server,
    store,
    reports,
    key: `sealcast:{t:${pair.topicArn}}:datakey:${recordNameOf(pair)}`,
    async write() {
      const token = await store.lock(pair, 60_000)
      assert.ok(token !== undefined)
      assert.equal(await store.write(pair, { record, token, leaseMs: 60_000, lifeMs: 300_000 }), true)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
