import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { after, suite, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '#shared/clock'
import { createRecordMac, createSecretRing } from '#shared/record-mac'
import { closeRedis, openRedis, type Redis, whenReady } from '#shared/redis'
import { startTestRedis } from '#shared/test-redis'
import { type ActivePairs, createActivePairs } from './active-pairs.ts'
import type { DataKeyPair } from './data-key-pair.ts'
import { createDataKeyStore } from './data-key-store.ts'
import { createFakeDataKeySource } from './fake-data-key-source.ts'
import { createOpeningKeys } from './opening-keys.ts'
import { createSealingKeys } from './sealing-keys.ts'

const KEY = 'sealcast:data-keys:active'
const DAY_MS = 86_400_000

for (const mode of ['standalone', 'cluster'] as const) {
  suite(`active pairs, ${mode}`, () => {
    const starting = start({ cluster: mode === 'cluster' })
    after(async () => (await starting).close())

    test('count once each, however often their data key is replaced, until it ends', async () => {
      const { redis, setup } = await starting
      const { pairs, note } = await setup({ reuseMs: 300_000 })
      await note(pairOf(1), 300_000)
      await note(pairOf(2), 300_000)
      await note(pairOf(2), 299_000)
      assert.equal(await pairs.count(), 2)
      // As if all but the grace had passed.
      await shift(redis, -302_000)
      assert.equal(await pairs.count(), 1)
      await shift(redis, -1_500)
      assert.equal(await pairs.count(), 0)
    })

    test('are told apart by topic, publisher and configured key', async () => {
      const { setup } = await starting
      const { pairs, note } = await setup()
      const pair = pairOf(1)
      await note(pair)
      await note({ ...pair, topicArn: `${pair.topicArn}2` })
      await note({ ...pair, principal: `${pair.principal}2` })
      await note({ ...pair, configuredKeyId: `${pair.configuredKeyId}2` })
      assert.equal(await pairs.count(), 4)
    })

    test('that have ended take no room, nor does the set once nobody publishes', async () => {
      const { redis, setup } = await starting
      const { note } = await setup()
      for (let n = 0; n < 50; n++) await note(pairOf(n))
      await shift(redis, -320_000)
      await note(pairOf(50))
      assert.equal(await redis.zcard(KEY), 1)
      const lifeMs = await redis.pttl(KEY)
      assert.ok(lifeMs > 300_000 && lifeMs <= 310_000, String(lifeMs))
    })

    test('are not believed of anybody who notes them for longer than a data key lasts', async () => {
      const { redis, setup } = await starting
      const { pairs, note } = await setup()
      await redis.zadd(KEY, Date.now() + DAY_MS, 'x', 'inf', 'y', '-inf', 'z')
      assert.equal(await pairs.count(), 0)
      await note(pairOf(1))
      assert.equal(await redis.zcard(KEY), 1)
    })

    test('are noted over a key of another type, which is reported', async () => {
      const { redis, setup } = await starting
      const { pairs, note, reports } = await setup()
      await redis.set(KEY, 'x')
      assert.equal(await pairs.count(), 0)
      await note(pairOf(1))
      assert.equal(await pairs.count(), 1)
      assert.deepEqual(reports, [{ kind: 'active-pairs' }])
    })
  })
}

suite('active pairs', () => {
  test('fail by themselves: whoever notes one hears of nothing', async () => {
    const { setup, close } = await start({ cluster: false })
    const { pairs, failures } = await setup()
    await close()
    pairs.note(pairOf(1), 1_000)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(failures.length, 1)
    await assert.rejects(pairs.count(), { code: 'REDIS_UNAVAILABLE' })
  })

  test('predict the calls of steady, rare and changing publishers behind two gateways', async (t) => {
    const { redis, setup, close } = await start({ cluster: false })
    t.after(close)
    const reuseMs = 2_000
    const graceMs = 100
    const periods = 2
    const { pairs } = await setup({ reuseMs })
    const kms = createFakeDataKeySource()
    const recordMac = createRecordMac(
      createSecretRing('0000000a', new Map([['0000000a', createSecretKey(Buffer.alloc(32, 1))]])),
    )
    const store = createDataKeyStore({ redis, recordMac, activePairs: pairs, onForged: () => assert.fail() })
    const gateways = [1, 2].map(() =>
      createSealingKeys({ kms, store, clock: systemClock, reuseMs, onLookup: () => {} }),
    )
    const worker = createOpeningKeys({ kms, clock: systemClock, onLookup: () => {} })
    const publish = async (pair: DataKeyPair) => {
      for (const gateway of gateways) {
        const { encryptedDataKey, keyArn, dataKeyId } = await gateway.use(pair, ({ dataKey, ...issued }) => ({
          ...issued,
          dataKeyId: dataKey.id,
        }))
        await worker.obtain({ ...pair, encryptedDataKey, keyArn, dataKeyId })
      }
    }

    const sampling = sample(pairs)
    const startedAt = performance.now()
    const elapsed = () => performance.now() - startedAt
    const publishing = [1, 2, 3, 4].map(async (n) => {
      // Until late in the last period, so that what each refresh is late by makes no more periods.
      while (elapsed() < (periods - 0.3) * reuseMs) {
        await publish(pairOf(n))
        await pause(10)
      }
    })
    await publish(pairOf(5))
    // Its topic is given another KMS key: the data key under the old one has cost what it cost.
    await publish({ ...pairOf(5), configuredKeyId: 'alias/new' })
    await Promise.all(publishing)
    const { samples, pairMs } = await sampling.untilNone()

    const keys = 4 * periods + 2
    assert.equal(kms.count('GenerateDataKey'), keys)
    assert.equal(kms.calls.length, 3 * keys)
    const predicted = (3 * pairMs) / reuseMs
    const most = kms.calls.length * (1 + graceMs / reuseMs)
    assert.ok(predicted > 0.95 * kms.calls.length && predicted < 1.05 * most, `${predicted} of ${kms.calls.length}`)
    assert.equal(Math.max(...samples), 6)
    t.diagnostic(`predicted ${predicted.toFixed(2)}, made ${kms.calls.length}`)
  })
})

/** Looks every few ms. */
function sample(pairs: ActivePairs) {
  const samples: number[] = []
  let pairMs = 0
  let lastAt = performance.now()
  let isEnding = false
  const look = async () => {
    const count = await pairs.count()
    const now = performance.now()
    samples.push(count)
    pairMs += count * (now - lastAt)
    lastAt = now
    return count
  }
  const over = (async () => {
    while ((await look()) > 0 || !isEnding) await pause(5)
  })()
  return {
    async untilNone() {
      isEnding = true
      await over
      return { samples, pairMs }
    },
  }
}

function pairOf(n: number): DataKeyPair {
  return {
    topicArn: 'arn:aws:sns:us-east-1:000000000000:orders',
    principal: `arn:aws:iam::000000000000:user/user-${n}`,
    configuredKeyId: 'alias/orders',
  }
}

/** Moves all ends, which is as if time had passed. */
async function shift(redis: Redis, ms: number): Promise<void> {
  for (const member of await redis.zrange(KEY, 0, '-1')) await redis.zincrby(KEY, ms, String(member))
}

async function start({ cluster }: { cluster: boolean }) {
  const server = await startTestRedis({ cluster })
  const redis = openRedis({ url: server.url, name: 'active-pairs-test' })
  await whenReady(redis)
  return {
    redis,
    async setup({ reuseMs = 300_000 }: { reuseMs?: number } = {}) {
      await redis.flushall()
      const reports: unknown[] = []
      const failures: unknown[] = []
      const pairs = createActivePairs({
        redis,
        reuseMs,
        onForged: (what) => reports.push(what),
        onFailure: (error) => failures.push(error),
      })
      return {
        pairs,
        reports,
        failures,
        /** Commands of one connection are answered in order. */
        async note(pair: DataKeyPair, leftMs = 300_000) {
          pairs.note(pair, leftMs)
          await redis.ping()
        },
      }
    },
    async close() {
      await closeRedis(redis)
      await server[Symbol.asyncDispose]()
    },
  }
}
