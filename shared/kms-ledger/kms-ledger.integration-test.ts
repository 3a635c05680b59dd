import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { closeRedis, openRedis, whenReady } from '#shared/redis'
import { startTestRedis } from '#shared/test-redis'
import { createKmsLedger, findKmsLedgers, type LedgerEntry, monthOf, readKmsLedger, readLedgerPage } from './index.ts'

const topicArn = 'arn:aws:sns:us-east-1:000000000000:orders'
const principal = 'arn:aws:iam::000000000000:user/alice'
const key = 'arn:aws:kms:us-east-1:000000000000:key/a'
const issue: LedgerEntry = {
  topicArn,
  principal,
  operation: 'GenerateDataKey',
  purpose: 'issue',
  outcome: 'ok',
  key,
}
const deliver: LedgerEntry = { ...issue, operation: 'Decrypt', purpose: 'deliver' }

for (const cluster of [false, true]) {
  suite(`a ledger in a Redis ${cluster ? 'in cluster mode' : 'of its own'}`, () => {
    test('adds up what several processes record, by month', async () => {
      await using redis = await setup({ cluster })
      const [gateway, worker] = [await redis.ledger(), await redis.ledger()]
      const first = redis.clock.now()
      gateway.record(issue)
      for (let n = 0; n < 1_000; n++) worker.record(deliver)
      gateway.record({ ...issue, outcome: 'KMS_DISABLED', key: 'alias/a' })
      redis.clock.advance(300_000)
      gateway.record(issue)
      redis.clock.advance(40 * 86_400_000)
      gateway.record({ ...issue, topicArn: `${topicArn}2` })
      await Promise.all([gateway.flush(), worker.flush()])
      assert.deepEqual(await redis.read(first), [
        {
          principal,
          calls: [
            { operation: 'Decrypt', purpose: 'deliver', isOk: true, count: 1_000 },
            { operation: 'GenerateDataKey', purpose: 'issue', isOk: false, count: 1 },
            { operation: 'GenerateDataKey', purpose: 'issue', isOk: true, count: 2 },
          ],
          issued: { first, last: first + 300_000 },
        },
      ])
      const names = await findKmsLedgers({ redis: redis.connection })
      assert.deepEqual(names, [
        { topicArn, month: '2026-01' },
        { topicArn: `${topicArn}2`, month: '2026-02' },
      ])
      assert.equal((await findKmsLedgers({ redis: redis.connection, month: '2026-02' })).length, 1)
      assert.equal(redis.lost(), 0)
    })
  })
}

suite('createKmsLedger()', () => {
  test('keeps keys apart, and hours for some days before it adds them up', async () => {
    await using redis = await setup()
    const start = redis.clock.now()
    const hour = 3_600_000
    for (let n = 0; n < 8 * 24; n++) {
      await redis.record(issue)
      if (n % 2 === 0) await redis.record({ ...issue, key: 'alias/b' })
      redis.clock.advance(hour)
    }
    // One that waited for Redis finds its day added up already.
    redis.clock.advance(-7 * 24 * hour)
    await redis.record(issue)
    const { counts, issues } = await readLedgerPage({ redis: redis.connection, topicArn, month: '2026-01' })
    const of = (name: string) =>
      counts
        .filter((count) => count.key === name)
        .map(({ from, until, count }) => [(from - start) / hour, (until - from) / hour, count])
    const [days, hours] = [
      [0, 1, 2].map((day) => [24 * day, 24]),
      Array.from({ length: 5 * 24 }, (_, n) => [3 * 24 + n, 1]),
    ]
    assert.deepEqual(of(key), [...days.map((day) => [...day, 24]), ...hours.map((hour) => [...hour, 1]), [24, 1, 1]])
    assert.equal(
      of('alias/b').reduce((sum, [, , count = 0]) => sum + count, 0),
      4 * 24,
    )
    assert.deepEqual(Object.fromEntries(issues.map((issue) => [issue.key, issue.first - start])), {
      [key]: 0,
      'alias/b': 0,
    })
  })

  test('counts beside what an older release counted in the same month', async () => {
    await using redis = await setup()
    await redis.connection.hset(redis.key, `${principal}\nGenerateDataKey\nissue\nok`, '5')
    await redis.record(issue)
    assert.deepEqual(
      (await redis.read()).map(({ calls }) => calls),
      [[{ operation: 'GenerateDataKey', purpose: 'issue', isOk: true, count: 6 }]],
    )
    assert.deepEqual(redis.forged, [])
  })

  test('lets its hashes go two months after the last count', async () => {
    await using redis = await setup()
    await redis.record(issue)
    assert.equal(await redis.server.cli('TTL', redis.key), String(62 * 86_400))
  })

  test('sends one command for a request, in one write with what is issued in the same turn', async () => {
    await using redis = await setup()
    await redis.record(issue)
    const before = await redis.commands()
    await redis.record(deliver)
    assert.equal((await redis.commands()) - before, 1)
  })

  test('keeps counts while Redis is gone, and has them stored when it is back', async () => {
    await using redis = await setup({ appendonly: true })
    await redis.record(issue)
    await redis.server.stop()
    const ledger = await redis.ledger({ waits: false })
    for (let n = 0; n < 100; n++) ledger.record(deliver)
    await redis.server.start()
    await redis.ready()
    ledger.record(deliver)
    await ledger.flush()
    assert.deepEqual((await redis.read()).flatMap(({ calls }) => calls.map(({ count }) => count)).sort(), [1, 101])
    assert.equal(redis.lost(), 0)
  })

  test('says what is lost when the process ends without Redis, and waits for nothing', async () => {
    await using redis = await setup()
    await redis.server.stop()
    const ledger = await redis.ledger({ waits: false })
    for (let n = 0; n < 7; n++) ledger.record(deliver)
    await ledger.flush()
    assert.equal(redis.lost(), 7)
  })

  test('mends what somebody else left under its key, and says so', async () => {
    await using redis = await setup()
    await redis.server.cli('SADD', redis.key, 'x')
    await redis.record(issue)
    assert.equal(redis.forged.length, 1)
    await redis.connection.hset(redis.key, `${principal}\nGenerateDataKey\nissue\nok\n${key}`, '01=1 x')
    await redis.connection.hset(redis.key, `${principal}\nissued\n${key}`, 'x')
    await redis.record(issue)
    assert.equal(redis.forged.length, 2)
    const [{ calls, issued } = { calls: [], issued: undefined }] = await redis.read()
    assert.deepEqual(calls, [{ operation: 'GenerateDataKey', purpose: 'issue', isOk: true, count: 1 }])
    assert.notEqual(issued, undefined)
    await redis.server.cli('DEL', redis.key)
    await redis.server.cli('SADD', redis.key, 'x')
    assert.deepEqual(await redis.read(), [])
  })

  test('mends what no reader would take, so that one such write does not end the counting', async () => {
    await using redis = await setup()
    const field = `${principal}\nGenerateDataKey\nissue\nok\n${key}`
    for (const text of ['00=1', '32=1', '01T24=1', '01=0', `01=${'9'.repeat(16)}`, '01=1  02=1', '01=1 ']) {
      await redis.connection.hset(redis.key, field, text)
      const before = redis.forged.length
      await redis.record(issue)
      assert.equal(redis.forged.length, before + 1, text)
      assert.equal((await redis.read())[0]?.calls[0]?.count, 1, text)
    }
  })

  test('lets one topic have 10,000 fields, and says what found no room', async () => {
    await using redis = await setup()
    const fill = `for n = 1, 9999 do redis.call('HSET', KEYS[1], n, 1) end`
    await redis.server.cli('EVAL', fill, '1', redis.key)
    await redis.record(deliver)
    await redis.record({ ...deliver, principal: `${principal}2` })
    await redis.record(deliver)
    assert.equal(redis.lost(), 1)
    assert.deepEqual(
      (await redis.read()).map(({ calls }) => calls[0]?.count),
      [2],
    )
  })
})

async function setup({ cluster = false, appendonly = false }: { cluster?: boolean; appendonly?: boolean } = {}) {
  const server = await startTestRedis({ cluster, appendonly })
  const clock = createFakeClock()
  const connections: ReturnType<typeof openRedis>[] = []
  const connect = async (waits = true) => {
    const redis = openRedis({ url: server.url, name: 'kms-ledger-test' })
    connections.push(redis)
    if (waits) await whenReady(redis)
    return redis
  }
  const connection = await connect()
  let lost = 0
  const forged: unknown[] = []
  const ledger = async ({ waits = true }: { waits?: boolean } = {}) =>
    createKmsLedger({
      redis: await connect(waits),
      clock,
      onLost: (requests) => {
        lost += requests
      },
      onForged: (what) => forged.push(what),
    })
  const own = await ledger()
  return {
    server,
    clock,
    connection,
    ledger,
    forged,
    key: `sealcast:{t:${topicArn}}:kms-calls:2026-01`,
    lost: () => lost,
    ready: () => Promise.all(connections.map((redis) => whenReady(redis))),
    async record(entry: LedgerEntry) {
      own.record(entry)
      await own.flush()
    },
    async read(at = clock.now()) {
      const pairs = await readKmsLedger({ redis: connection, topicArn, month: monthOf(at) })
      const order = ({ operation, isOk }: { operation: string; isOk: boolean }) => `${operation} ${isOk}`
      return pairs.map((pair) => ({
        ...pair,
        calls: pair.calls.toSorted((a, b) => (order(a) < order(b) ? -1 : 1)),
      }))
    },
    /** EVALSHA and the like that Redis has done so far. */
    async commands() {
      const stats = await server.cli('INFO', 'commandstats')
      return [...stats.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+)/gm)].reduce((sum, [, n]) => sum + Number(n), 0)
    },
    async [Symbol.asyncDispose]() {
      for (const redis of connections) await closeRedis(redis)
      await server[Symbol.asyncDispose]()
    },
  }
}
