import assert from 'node:assert/strict'
import { createSecretKey, randomBytes, randomUUID } from 'node:crypto'
import { after, suite, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { createRecordMac, createSecretRing } from '#shared/record-mac'
import { closeRedis, openRedis, whenReady } from '#shared/redis'
import { startTestRedis, type TestRedis } from '#shared/test-redis'
import { createStreamAppender, decodeEntry, type Entry, keys, partitionOf } from './index.ts'

// The same on both: a script that crosses a slot fails on the second.
for (const mode of ['standalone', 'cluster'] as const) {
  suite(`appendBatch(), ${mode}`, () => {
    const starting = startTestRedis({ cluster: mode === 'cluster' })
    after(async () => (await starting)[Symbol.asyncDispose]())

    test('stores all entries in order and byte for byte, in one stream', async () => {
      await using t = await setup(await starting)
      const entries = [
        t.anEntry({ body: Buffer.from([0, 255, 13, 10]), sealed: SEALED }),
        t.anEntry({ subject: 'ü', structure: 'json', groupId: 'g' }),
        t.anEntry({ attributes: [{ name: 'a', dataType: 'String.Array', value: '["\\u0000",7]' }] }),
      ]
      await t.appender.appendBatch(entries)
      await t.appender.appendBatch([t.anEntry()])
      const stored = await t.read()
      assert.deepEqual(stored.slice(0, 3), entries)
      assert.equal(stored.length, 4)
    })

    test('stores the largest batch: 262,144 bytes in ten entries with 300 attributes each', async () => {
      await using t = await setup(await starting)
      const attributes = Array.from({ length: 300 }, (_, n) => ({ name: `n${n}`, dataType: 'String', value: '"\\\n' }))
      const entries = Array.from({ length: 10 }, () => t.anEntry({ attributes, body: Buffer.alloc(22_000, 0xff) }))
      await t.appender.appendBatch(entries)
      assert.deepEqual(await t.read(), entries)
    })

    test('stores any mixture of entries, whatever they have in common', async () => {
      await using t = await setup(await starting)
      const some = <T>(value: T) => fc.constantFrom<T | undefined>(undefined, value)
      const anEntry = fc
        .tuple(some({ subject: 's' }), some({ structure: 'json' }), some({ groupId: 's' }), some({ sealed: SEALED }))
        .map((parts): Entry => t.anEntry(Object.assign({}, ...parts)))
      const sent: Entry[] = []
      const batches = fc.asyncProperty(fc.array(anEntry, { minLength: 1, maxLength: 10 }), async (batch) => {
        sent.push(...batch)
        await t.appender.appendBatch(batch)
      })
      await fc.assert(batches, { numRuns: 50 })
      assert.deepEqual(await t.read(), sent)
    })

    test('append() stores any entry, whatever its publisher sent before', async () => {
      await using t = await setup(await starting)
      const some = <T>(...values: T[]) => fc.constantFrom<T | undefined>(undefined, ...values)
      const otherSeal = { encryptedDataKey: randomBytes(190), keyArn: 'k2' }
      const confirmation = { subscriptionId: 's', purpose: 'subscribe' } as const
      const anEntry = fc
        .tuple(
          some({ sealed: SEALED }, { sealed: otherSeal }, { sealed: { ...SEALED, keyArn: 'k3' } }),
          some({ incarnation: 'ffeeddccbbaa99887766554433221100' }),
          some({ subject: 'ü' }),
          some({ attributes: [{ name: 'é', dataType: 'String', value: '\r\n$1\r\n' }] }),
          some({ structure: 'json', groupId: '€', deduplicationId: 'd' }),
          some({ kind: 'confirmation' as const, confirmation, body: Buffer.alloc(0) }),
        )
        .map((parts): Entry => t.anEntry(Object.assign({}, ...parts)))
      const sent: Entry[] = []
      const appends = fc.asyncProperty(fc.array(anEntry, { minLength: 1, maxLength: 10 }), async (entries) => {
        sent.push(...entries)
        await Promise.all(entries.map((entry) => t.appender.append(entry)))
      })
      await fc.assert(appends, { numRuns: 100 })
      assert.deepEqual(await t.read(), sent)
    })

    test('stores all of a batch or none when many are appended at once', async () => {
      await using t = await setup(await starting)
      const batches = Array.from({ length: 50 }, () => [t.anEntry(), t.anEntry(), t.anEntry()])
      await Promise.all(batches.map((batch) => t.appender.appendBatch(batch)))
      assert.deepEqual(await t.read(), batches.flat())
    })

    test('takes back what it added when the stream has no id left', async () => {
      await using t = await setup(await starting)
      const almostLast = '18446744073709551615-18446744073709551613'
      await t.redis.xadd(t.stream, almostLast, 'v', '1')
      await assert.rejects(t.appender.appendBatch([t.anEntry(), t.anEntry(), t.anEntry()]), {
        code: 'REDIS_REPLY_ERROR',
      })
      assert.equal(await t.redis.xlen(t.stream), 1)
    })

    test('refuses entries that belong apart, and none at all', async () => {
      await using t = await setup(await starting)
      await assert.rejects(t.appender.appendBatch([]), RangeError)
      for (const other of [{ principal: 'somebody' }, { topicArn: `${TOPIC_ARN}2` }]) {
        await assert.rejects(t.appender.appendBatch([t.anEntry(), t.anEntry(other)]), RangeError)
      }
      assert.equal(await t.redis.exists(t.stream), 0)
    })

    test('append() tells a key of another type as data that is not ours, and holds no part of the entry', async () => {
      await using t = await setup(await starting)
      await t.redis.set(t.stream, 'x')
      await assert.rejects(t.appender.append(t.anEntry({ body: Buffer.from('a secret') })), (error: Error) => {
        assert.equal((error as Error & { code: string }).code, 'REDIS_FOREIGN_DATA')
        assert.ok(!inspect(error, { depth: 10 }).includes('a secret'))
        return true
      })
    })

    test('tells a key of another type as data that is not ours', async () => {
      await using t = await setup(await starting)
      await t.redis.set(t.stream, 'x')
      await assert.rejects(t.appender.appendBatch([t.anEntry(), t.anEntry()]), { code: 'REDIS_FOREIGN_DATA' })
    })
  })
}

suite('appendBatch() and a Redis in trouble', () => {
  test('a full one refuses the whole batch', async () => {
    await using server = await startTestRedis()
    await using t = await setup(server)
    await t.appender.appendBatch([t.anEntry()])
    await server.cli('config', 'set', 'maxmemory', '1')
    await assert.rejects(t.appender.appendBatch([t.anEntry(), t.anEntry()]), { code: 'REDIS_REFUSED' })
    assert.equal(await t.redis.xlen(t.stream), 1)
  })

  test('one that forgot the script gets it again', async () => {
    await using server = await startTestRedis()
    await using t = await setup(server)
    await t.appender.appendBatch([t.anEntry()])
    await server.cli('script', 'flush')
    await t.appender.appendBatch([t.anEntry(), t.anEntry()])
    assert.equal(await t.redis.xlen(t.stream), 3)
  })

  test('one that forgot the script is not sent it after a pause', async () => {
    await using server = await startTestRedis()
    await using t = await setup(server)
    await t.appender.appendBatch([t.anEntry()])
    await server.cli('script', 'flush')
    const appending = t.appender.appendBatch([t.anEntry(), t.anEntry()])
    const refused = assert.rejects(appending, { code: 'REDIS_UNAVAILABLE' })
    await setImmediate()
    const pausedUntil = performance.now() + 400
    while (performance.now() < pausedUntil);
    await refused
    assert.equal(await t.redis.xlen(t.stream), 1)
    await t.appender.appendBatch([t.anEntry()])
    assert.equal(await t.redis.xlen(t.stream), 2)
  })

  test('every connection to a new one is sent the script, so that nothing waits for two answers', async () => {
    await using server = await startTestRedis()
    await using t = await setup(server)
    await t.appender.appendBatch([t.anEntry()])
    await t.appender.appendBatch([t.anEntry()])
    const sent = async () => {
      const stats = await server.cli('info', 'commandstats', 'errorstats')
      return ['eval', 'evalsha', 'NOSCRIPT'].map((name) =>
        Number(new RegExp(`_${name}:c[a-z]*=(\\d+)`).exec(stats)?.[1] ?? 0),
      )
    }
    assert.deepEqual(await sent(), [1, 1, 0])
    await using other = await setup(server)
    await other.appender.appendBatch([other.anEntry()])
    assert.deepEqual(await sent(), [2, 1, 0])
  })

  test('a silent one leaves the outcome unknown, and what happens then happens to all of them', async () => {
    await using server = await startTestRedis()
    await using t = await setup(server, { commandTimeoutMs: 200 })
    await t.appender.appendBatch([t.anEntry()])
    server.pause()
    await assert.rejects(t.appender.appendBatch([t.anEntry(), t.anEntry()]), { code: 'REDIS_OUTCOME_UNKNOWN' })
    server.resume()
    assert.equal(await server.cli('xlen', t.stream), '3')
  })

  test('what was decided before a pause is not stored after it, nor what leaves with it', async () => {
    await using server = await startTestRedis()
    await using t = await setup(server)
    const decidedAt = performance.now() - 5_000
    const settled = await Promise.allSettled([
      t.appender.append(t.anEntry()),
      t.appender.append(t.anEntry(), { decidedAt }),
      t.appender.appendBatch([t.anEntry()], { decidedAt }),
    ])
    assert.deepEqual(
      settled.map((one) => one.status === 'rejected' && one.reason.code),
      Array(3).fill('REDIS_OUTCOME_UNKNOWN'),
    )
    assert.equal(await server.cli('xlen', t.stream), '0')
  })

  test('a dead one stores nothing, and the error says so', async () => {
    await using server = await startTestRedis()
    await using t = await setup(server)
    const closed = new Promise((resolve) => t.redis.once('close', resolve))
    server.kill()
    await closed
    await assert.rejects(t.appender.appendBatch([t.anEntry()]), { code: 'REDIS_UNAVAILABLE' })
  })
})

const TOPIC_ARN = 'arn:aws:sns:us-east-1:000000000000:orders'
const PARTITIONS = 4096
const SEALED = { encryptedDataKey: randomBytes(184), keyArn: 'k' }

/** A publisher of its own for each test, whose partition nobody else used. */
async function setup(server: TestRedis, { commandTimeoutMs = 3000 }: { commandTimeoutMs?: number } = {}) {
  const redis = openRedis({ url: server.url, name: 'test', commandTimeoutMs })
  await whenReady(redis)
  const recordMac = createRecordMac(
    createSecretRing('0000000a', new Map([['0000000a', createSecretKey(Buffer.alloc(32, 7))]])),
  )
  let principal = ''
  let stream = ''
  do {
    principal = `arn:aws:iam::000000000000:user/${randomUUID()}`
    stream = keys.streamKey(partitionOf(TOPIC_ARN, principal, PARTITIONS))
  } while ((await redis.exists(stream)) !== 0)
  return {
    redis,
    stream,
    appender: createStreamAppender({ redis, recordMac, partitions: PARTITIONS }),
    anEntry: (o: Partial<Entry> = {}): Entry => ({
      kind: 'message',
      topicArn: TOPIC_ARN,
      incarnation: '00112233445566778899aabbccddeeff',
      messageId: randomUUID(),
      principal,
      acceptedAt: 1_767_225_600_000,
      attributes: [],
      body: Buffer.from('text'),
      ...o,
    }),
    async read(): Promise<Entry[]> {
      const stored = await redis.xrangeBuffer(stream, '-', '+')
      return stored.map(([, pairs]) => {
        const fields = new Map<string, Buffer>()
        for (let at = 0; at + 1 < pairs.length; at += 2) {
          fields.set(String(pairs[at]), pairs[at + 1] ?? Buffer.alloc(0))
        }
        return decodeEntry(fields, recordMac)
      })
    },
    async [Symbol.asyncDispose]() {
      await closeRedis(redis)
    },
  }
}
