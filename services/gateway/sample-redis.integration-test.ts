import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createMetrics } from '#shared/metrics'
import { closeRedis, openRedis, readServerState, whenReady } from '#shared/redis'
import { acquireLease, keys, readPartitionStates } from '#shared/stream-log'
import { startTestRedis } from '#shared/test-redis'
import { createRedisGauges } from './redis-gauges.ts'
import { createSampleRedis } from './sample-redis.ts'

const PARTITIONS = 3

suite('createSampleRedis()', () => {
  test('shows Redis and each partition, nothing but that it is down while it is, and all again afterwards', async () => {
    await using t = await setup()
    await t.server.cli('config', 'set', 'maxmemory', '100mb')
    await t.server.cli('xadd', keys.streamKey(1), '*', 'a', 'b')
    await t.server.cli('xadd', keys.quarantineKey(2), '*', 'a', 'b')
    const lease = await acquireLease({
      redis: t.redis,
      blockingRedis: () => assert.fail('nobody waits'),
      partition: 1,
      leaseMs: 60_000,
    })
    assert.equal(await t.sample(), true)
    const shown = await t.shown()
    assert.deepEqual(
      pick(
        shown,
        ['redis_up', 'redis_memory_max_bytes', 'redis_aof_enabled', 'redis_persistence_ok', 'redis_replicas'],
        NODE,
      ),
      [1, 104_857_600, 1, 1, 0],
    )
    assert.ok((shown.get(`redis_memory_used_bytes${NODE}`) ?? 0) > 100_000)
    assert.ok((shown.get(`redis_clients${NODE}`) ?? 0) >= 1)
    assert.ok((shown.get(`redis_commands_processed_total${NODE}`) ?? 0) > 5)
    assert.deepEqual(
      ['0', '1', '2'].map((n) => pick(shown, ['partition_entries', 'partition_leased'], `{partition="${n}"}`)),
      [
        [0, 0],
        [1, 1],
        [0, 0],
      ],
    )
    assert.equal(shown.get('quarantined_entries'), 1)

    await t.server.kill()
    assert.equal(await t.sample(), false)
    const down = await t.shown()
    assert.equal(down.get(`redis_up${NODE}`), 0)
    assert.deepEqual([...down.keys()].filter((name) => name.includes('{')).toSorted(), [
      `redis_commands_processed_total${NODE}`,
      `redis_up${NODE}`,
    ])
    assert.equal(down.get('quarantined_entries'), 1)

    await t.server.start()
    await t.sample()
    const again = await t.shown()
    assert.deepEqual(pick(again, ['redis_up', 'redis_aof_enabled'], NODE), [1, 1])
    assert.equal(again.get('partition_entries{partition="1"}'), 1)
    // Counted since it was started, and so less: what Prometheus takes for a counter that began anew.
    const [before, after] = [shown, again].map((page) => page.get(`redis_commands_processed_total${NODE}`) ?? 0)
    assert.ok(after !== undefined && before !== undefined && after < before + 5)
    await lease?.release().catch(() => undefined)
  })

  test('shows a snapshot that failed where snapshots are made, and no longer when none are', async () => {
    await using t = await setup()
    const [, dir = ''] = (await t.server.cli('config', 'get', 'dir')).split('\n')
    // In the way of the file that a snapshot becomes.
    await mkdir(join(dir, 'dump.rdb'))
    await t.server.cli('bgsave')
    while (/rdb_bgsave_in_progress:1/.test(await t.server.cli('info', 'persistence'))) await delay(10)
    await t.server.cli('config', 'set', 'save', '3600 1')
    await t.sample()
    assert.equal((await t.shown()).get(`redis_persistence_ok${NODE}`), 0)
    await t.server.cli('config', 'set', 'save', '')
    await t.sample()
    assert.equal((await t.shown()).get(`redis_persistence_ok${NODE}`), 1)
  })

  test('shows the partitions where the user of Redis may not ask how it is', async () => {
    await using t = await setup()
    await t.server.cli('acl', 'setuser', 'default', '-info', '-config')
    await t.sample()
    const shown = await t.shown()
    assert.equal(shown.get(`redis_up${NODE}`), 1)
    assert.equal(shown.has(`redis_memory_used_bytes${NODE}`), false)
    assert.equal(shown.get('partition_leased{partition="2"}'), 0)
  })

  test('forgets a partition whose keys were replaced, and shows it again when they are back', async () => {
    await using t = await setup()
    await t.sample()
    await t.server.cli('set', keys.streamKey(1), 'no stream')
    await t.sample()
    const partitions = async () =>
      [...(await t.shown()).keys()].filter((name) => name.startsWith('partition_entries')).length
    assert.equal(await partitions(), PARTITIONS - 1)
    await t.server.cli('del', keys.streamKey(1))
    await t.sample()
    assert.equal(await partitions(), PARTITIONS)
  })
})

const NODE = '{node="redis"}'

function pick(shown: ReadonlyMap<string, number>, names: readonly string[], labels: string): (number | undefined)[] {
  return names.map((name) => shown.get(`${name}${labels}`))
}

async function setup() {
  const server = await startTestRedis({ appendonly: true })
  const redis = openRedis({ url: server.url, name: 'test', commandTimeoutMs: 1_000 })
  await whenReady(redis)
  const metrics = createMetrics({ service: 'test' })
  return {
    server,
    redis,
    sample: createSampleRedis({
      untilReady: () => whenReady(redis, AbortSignal.timeout(1_000)),
      readServer: () => readServerState(redis),
      readPartitions: () => readPartitionStates({ redis, partitions: PARTITIONS }),
      gauges: createRedisGauges(metrics),
    }),
    /** By name without its prefix, with labels. */
    async shown(): Promise<Map<string, number>> {
      const { text } = await metrics.expose()
      const series = text.matchAll(/^sealcast_((?:redis|partition|quarantined)_\S+) (\S+)$/gm)
      return new Map([...series].map(([, name = '', value]) => [name, Number(value)]))
    },
    async [Symbol.asyncDispose]() {
      await closeRedis(redis)
      await server[Symbol.asyncDispose]()
    },
  }
}
