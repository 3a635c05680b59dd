import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startTestRedis, type TestRedis } from '#shared/test-redis'
import {
  closeRedis,
  coalesceWrites,
  openRedis,
  pipelineReplies,
  type Redis,
  RedisRefusedError,
  redisCall,
  whenReady,
} from './index.ts'
import { defineScriptText } from './redis-script.ts'

suite('redisCall()', () => {
  test('says outcome unknown when Redis is killed with a write in flight', async () => {
    await using t = await setup()
    t.server.pause()
    const write = redisCall(t.redis, () => t.redis.set('a', '1'), { writes: true })
    const read = redisCall(t.redis, () => t.redis.get('a'))
    t.server.kill()
    await assert.rejects(write, withoutCommand('REDIS_OUTCOME_UNKNOWN'))
    await assert.rejects(read, withoutCommand('REDIS_UNAVAILABLE'))
  })

  test('says unavailable at once when Redis is not running, and stores nothing later', async () => {
    await using t = await setup()
    t.server.kill()
    await next(t.redis, 'close')
    const startedAt = performance.now()
    let sent = false
    await assert.rejects(
      redisCall(
        t.redis,
        () => {
          sent = true
          return t.redis.set('a', '1')
        },
        { writes: true },
      ),
      { code: 'REDIS_UNAVAILABLE' },
    )
    assert.ok(performance.now() - startedAt < 100)
    assert.equal(sent, false)
    await t.server.start()
    await whenReady(t.redis)
    assert.equal(await t.server.cli('exists', 'a'), '0')
  })

  test('does not send again after a reconnect what was in flight', async () => {
    await using t = await setup({ appendonly: true })
    const killed = redisCall(t.redis, () => t.redis.call('BLPOP', 'nothing', '0'), { writes: true })
    const pushed = redisCall(t.redis, () => t.redis.rpush('a', '1'), { writes: true })
    t.server.kill()
    await assert.rejects(killed, { code: 'REDIS_OUTCOME_UNKNOWN' })
    await assert.rejects(pushed, { code: 'REDIS_OUTCOME_UNKNOWN' })
    await t.server.start()
    await whenReady(t.redis)
    assert.equal(await redisCall(t.redis, () => t.redis.llen('a')), 0)
  })

  test('says refused when Redis is full, and stores nothing', async () => {
    await using t = await setup()
    await t.server.cli('config', 'set', 'maxmemory-policy', 'noeviction', 'maxmemory', '1')
    const script = defineScriptText("return redis.call('SET', KEYS[1], ARGV[1])")
    for (const write of [
      () => t.redis.set('a', Buffer.alloc(2_000)),
      () => script.run(t.redis, ['a'], [Buffer.alloc(2_000)]),
      () => pipelineReplies(t.redis.pipeline().set('a', '1').set('b', '2').exec()),
    ]) {
      await assert.rejects(redisCall<unknown>(t.redis, write, { writes: true }), (error) => {
        assert.ok(error instanceof RedisRefusedError)
        assert.equal(error.replyCode, 'OOM')
        return withoutCommand('REDIS_REFUSED')(error)
      })
    }
    await t.server.cli('config', 'set', 'maxmemory', '0')
    assert.equal(await t.server.cli('exists', 'a', 'b'), '0')
    await redisCall(t.redis, () => t.redis.set('a', '1'), { writes: true })
  })

  test('fails within the command timeout when Redis is silent, and works again when it speaks', async () => {
    await using t = await setup({ commandTimeoutMs: 200 })
    t.server.pause()
    const startedAt = performance.now()
    await assert.rejects(
      redisCall(t.redis, () => t.redis.set('a', '1'), { writes: true }),
      withoutCommand('REDIS_OUTCOME_UNKNOWN'),
    )
    await assert.rejects(
      redisCall(t.redis, () => t.redis.get('a')),
      { code: 'REDIS_UNAVAILABLE' },
    )
    assert.ok(performance.now() - startedAt < 1000)
    t.server.resume()
    await whenReady(t.redis)
    assert.equal(await redisCall(t.redis, () => t.redis.echo('x')), 'x')
  })

  test('drops a connection whose peer stays silent and dials anew', async () => {
    await using t = await setup({ commandTimeoutMs: 100 })
    t.server.pause()
    const closed = next(t.redis, 'close')
    await assert.rejects(
      redisCall(t.redis, () => t.redis.get('a')),
      { code: 'REDIS_UNAVAILABLE' },
    )
    await closed
    await assert.rejects(
      redisCall(t.redis, () => t.redis.get('a')),
      { code: 'REDIS_UNAVAILABLE' },
    )
    t.server.resume()
    await whenReady(t.redis)
  })

  test('recovers by itself when Redis comes back, as often as it goes', async () => {
    await using t = await setup({ appendonly: true })
    for (let round = 1; round <= 3; round++) {
      assert.equal(await redisCall(t.redis, () => t.redis.incr('n'), { writes: true }), round)
      t.server.kill()
      await next(t.redis, 'close')
      await t.server.start()
      await whenReady(t.redis)
    }
  })

  test('passes a fault of ours, or data of somebody else’s, on without the command', async () => {
    await using t = await setup()
    await t.redis.rpush('list', 'x')
    await assert.rejects(
      redisCall(t.redis, () => t.redis.set('a', 'plaintext', 'EX', 'plaintext')),
      withoutCommand('REDIS_REPLY_ERROR'),
    )
    await assert.rejects(
      redisCall(t.redis, () => pipelineReplies(t.redis.pipeline().set('a', '1').get('list').exec())),
      withoutCommand('REDIS_FOREIGN_DATA'),
    )
    await assert.rejects(
      redisCall(t.redis, () => t.redis.call('NONSENSE', 'plaintext')),
      withoutCommand('REDIS_REPLY_ERROR'),
    )
  })
})

suite('coalesceWrites()', () => {
  test('never sends what the process was paused over before it left', async () => {
    await using t = await setup()
    const write = redisCall(
      t.redis,
      () => {
        coalesceWrites(t.redis)
        return t.redis.set('a', '1')
      },
      { writes: true },
    )
    // To the event loop a busy process is like a paused one.
    for (const until = performance.now() + 2_100; performance.now() < until; );
    await assert.rejects(write, { code: 'REDIS_OUTCOME_UNKNOWN' })
    await whenReady(t.redis)
    assert.equal(await t.redis.exists('a'), 0)
  })

  test('keeps order and replies of commands issued together', async () => {
    await using t = await setup()
    const replies = Array.from({ length: 100 }, () => {
      coalesceWrites(t.redis)
      return redisCall(t.redis, () => t.redis.incr('n'), { writes: true })
    })
    assert.deepEqual(
      await Promise.all(replies),
      Array.from({ length: 100 }, (_, at) => at + 1),
    )
  })
})

suite('defineScript()', () => {
  test('is binary-safe, and survives a server that forgot it', async () => {
    await using t = await setup()
    const script = defineScriptText('return {KEYS[1], ARGV[1], 7, false}')
    const bytes = Buffer.from([0, 255, 13, 10, 0xc3])
    const run = () => redisCall(t.redis, () => script.run(t.redis, ['k'], [bytes]))
    const expected = [Buffer.from('k'), bytes, 7, null]
    assert.deepEqual(await run(), expected)
    assert.deepEqual(await run(), expected)
    await t.server.cli('script', 'flush')
    assert.deepEqual(await run(), expected)
    t.server.kill()
    await next(t.redis, 'close')
    await t.server.start()
    await whenReady(t.redis)
    assert.deepEqual(await run(), expected)
  })
})

suite('openRedis()', () => {
  test('says clearly that a password is missing or wrong, without showing it', async () => {
    await using t = await setup()
    await t.server.cli('config', 'set', 'requirepass', 'right')
    for (const [user, word] of [
      ['', 'NOAUTH'],
      [':hunter2@', 'WRONGPASS'],
      ['nobody:hunter2@', 'WRONGPASS'],
    ] as const) {
      const errors: Error[] = []
      const redis = openRedis({
        url: `redis://${user}127.0.0.1:${t.server.port}`,
        name: 'test',
        onError: (error) => errors.push(error),
      })
      await assert.rejects(whenReady(redis), (error) => {
        assert.ok(error instanceof Error && error.message.includes(word), word)
        return withoutCommand('REDIS_AUTHENTICATION_FAILED')(error)
      })
      await closeRedis(redis)
      assert.ok(errors.every(withoutCommand('REDIS_AUTHENTICATION_FAILED')))
      assert.equal(errors.length, 1)
    }
    const redis = openRedis({ url: `redis://:right@127.0.0.1:${t.server.port}`, name: 'test' })
    await whenReady(redis)
    await closeRedis(redis)
  })

  test('reports each kind of failure of an outage once', async () => {
    const errors: string[] = []
    await using t = await setup({ onError: (error) => errors.push(error.message) })
    t.server.kill()
    for (let attempt = 0; attempt < 3; attempt++) await next(t.redis, 'reconnecting')
    assert.equal(new Set(errors).size, errors.length)
    assert.ok(errors.some((message) => message.includes('ECONNREFUSED')))
    const before = errors.length
    await t.server.start()
    await whenReady(t.redis)
    t.server.kill()
    for (let attempt = 0; attempt < 3; attempt++) await next(t.redis, 'reconnecting')
    assert.ok(errors.length > before)
  })
})

suite('whenReady()', () => {
  test('stops waiting when the signal aborts or the connection is closed', async () => {
    await using t = await setup()
    t.server.kill()
    await next(t.redis, 'close')
    await assert.rejects(whenReady(t.redis, AbortSignal.timeout(50)), { code: 'REDIS_UNAVAILABLE' })
    await assert.rejects(whenReady(t.redis, AbortSignal.abort()), { code: 'REDIS_UNAVAILABLE' })
    await t.server.start()
    await whenReady(t.redis)
    await closeRedis(t.redis)
    await assert.rejects(whenReady(t.redis), { code: 'REDIS_UNAVAILABLE' })
  })
})

suite('closeRedis()', () => {
  test('returns in every state of the connection, twice too', async () => {
    await using t = await setup()
    const connecting = openRedis({ url: t.server.url, name: 'test' })
    await closeRedis(connecting)
    await closeRedis(connecting)
    t.server.kill()
    await next(t.redis, 'reconnecting')
    await closeRedis(t.redis)
    await closeRedis(t.redis)
    await assert.rejects(
      redisCall(t.redis, () => t.redis.get('a')),
      { code: 'REDIS_UNAVAILABLE' },
    )
  })
})

/** Unlike events.once, does not fail when the connection reports an error meanwhile. */
function next(redis: Redis, event: 'close' | 'reconnecting'): Promise<unknown> {
  return new Promise((resolve) => redis.once(event, resolve))
}

/** Looks at everything an error could carry: own properties, hidden ones and the chain of causes. */
function withoutCommand(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof Error)
    assert.equal('code' in error ? error.code : undefined, code, error.message)
    assert.equal('command' in error, false)
    assert.equal(error.cause, undefined)
    for (const name of Object.getOwnPropertyNames(error)) {
      const text = String(Reflect.get(error, name))
      assert.ok(!text.includes('plaintext') && !text.includes('hunter2'), name)
    }
    return true
  }
}

async function setup(
  o: { appendonly?: boolean; commandTimeoutMs?: number; onError?: (error: Error) => void } = {},
): Promise<AsyncDisposable & { server: TestRedis; redis: Redis }> {
  const server = await startTestRedis({ appendonly: o.appendonly ?? false })
  const redis = openRedis({
    url: server.url,
    name: 'test',
    onError: o.onError,
    ...(o.commandTimeoutMs === undefined ? {} : { commandTimeoutMs: o.commandTimeoutMs }),
  })
  await whenReady(redis)
  return {
    server,
    redis,
    async [Symbol.asyncDispose]() {
      await closeRedis(redis)
      await server[Symbol.asyncDispose]()
    },
  }
}
