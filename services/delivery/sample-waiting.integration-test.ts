import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { systemClock } from '#shared/clock'
import { createMetrics } from '#shared/metrics'
import { closeRedis, openRedis, whenReady } from '#shared/redis'
import { countWaitingRetries } from '#shared/retry-schedule'
import { countBacklogMessages, keys } from '#shared/stream-log'
import { startTestRedis } from '#shared/test-redis'
import { createDeliveryMetrics } from './metrics.ts'
import { createSampleWaiting } from './sample-waiting.ts'

suite('createSampleWaiting()', () => {
  test('shows what waits in owned partitions, and what it saw last while Redis is down', async () => {
    await using t = await setup()
    for (const partition of [1, 2]) {
      await t.server.cli('zadd', `${keys.retryPrefix(partition)}:retry:delayed`, '1', 'a', '2', 'b')
      await t.server.cli('sadd', keys.backlogsKey(partition), 'some')
      await t.server.cli('xadd', keys.backlogKey(partition, 'some'), '*', 'm', 'a')
    }
    assert.deepEqual(await t.shown(), [0, 0])
    t.owned = [1]
    await t.sample()
    assert.deepEqual(await t.shown(), [2, 1])
    t.owned = [1, 2, 3]
    await t.sample()
    assert.deepEqual(await t.shown(), [4, 2])
    await t.server.kill()
    assert.equal(await t.sample(), false)
    assert.deepEqual(await t.shown(), [4, 2])
  })

  test('tells of a fault of ours', async () => {
    await using t = await setup()
    t.owned = [1]
    await t.server.cli('acl', 'setuser', 'default', '-zcard')
    await assert.rejects(t.sample(), { code: 'REDIS_AUTHENTICATION_FAILED' })
  })
})

async function setup() {
  const server = await startTestRedis()
  const redis = openRedis({ url: server.url, name: 'test', commandTimeoutMs: 1_000 })
  await whenReady(redis)
  const metrics = createMetrics({ service: 'test' })
  const stage = { owned: [] as readonly number[] }
  const sample = createSampleWaiting({
    owned: () => stage.owned,
    countRetries: (some) => countWaitingRetries({ redis, prefixes: some.map(keys.retryPrefix) }),
    countBacklogs: (some) => countBacklogMessages({ redis, partitions: some }),
    metrics: createDeliveryMetrics(metrics, systemClock),
  })
  return Object.assign(stage, {
    server,
    sample,
    /** Retries and messages. */
    async shown(): Promise<number[]> {
      const { text } = await metrics.expose()
      return ['sealcast_retries_waiting', 'sealcast_backlog_messages'].map((name) =>
        Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]),
      )
    },
    async [Symbol.asyncDispose]() {
      await closeRedis(redis)
      await server[Symbol.asyncDispose]()
    },
  })
}
