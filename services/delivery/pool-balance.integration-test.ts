import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '#shared/clock'
import type { Log } from '#shared/log'
import { createMembership } from '#shared/membership'
import { createMetrics } from '#shared/metrics'
import { closeRedis, openRedis, whenReady } from '#shared/redis'
import { acquireLease, readLeaseLives } from '#shared/stream-log'
import { startTestRedis } from '#shared/test-redis'
import { createDeliveryMetrics } from './metrics.ts'
import { startPartitionPool } from './partition-pool.ts'
import { rollCallTimes } from './roll-call.ts'

const LEASE_MS = 1_500
/** How long a partition of these tests needs to finish what is in flight. */
const DRAIN_MS = 100

suite('pools of several workers on one Redis', { concurrency: 2 }, () => {
  for (const partitions of [16, 64]) {
    test(`share ${partitions} partitions evenly within 2 s of a worker's joining or leaving`, async (t) => {
      await using stage = await setup({ partitions })
      const workers: Worker[] = []
      for (let count = 1; count <= 4; count++) {
        const joinedAt = performance.now()
        workers.push(await stage.join())
        await stage.untilShared(workers)
        const ms = performance.now() - joinedAt
        t.diagnostic(`worker ${count} had its share after ${ms.toFixed(0)} ms`)
        assert.ok(ms < 2_000, `${ms} ms`)
      }
      while (workers.length > 1) {
        const leftAt = performance.now()
        const leaving = workers.shift()
        const left = leaving?.leave()
        await stage.untilShared(workers)
        await left
        const ms = performance.now() - leftAt
        t.diagnostic(`${workers.length} workers had the share of one that left after ${ms.toFixed(0)} ms`)
        assert.ok(ms < 2_000, `${ms} ms`)
      }
      t.diagnostic(`longest time a partition was nobody's: ${stage.longestGapMs().toFixed(0)} ms`)
      assert.ok(stage.longestGapMs() < 2_000)
      assert.equal(stage.overlaps(), 0)
    })
  }

  test('take over what a worker had that died, when its leases run out', async (t) => {
    await using stage = await setup({ partitions: 16 })
    const [first, second, third] = [await stage.join(), await stage.join(), await stage.join()]
    await stage.untilShared([first, second, third])
    const diedAt = performance.now()
    await first.die()
    await stage.untilShared([second, third])
    const ms = performance.now() - diedAt
    t.diagnostic(`taken over after ${ms.toFixed(0)} ms, leases of ${LEASE_MS} ms`)
    assert.ok(ms < LEASE_MS + 1_000, `${ms} ms`)
    assert.ok(stage.takenOver('expired') > 0)
  })

  test('let no worker that does not exist stop a partition', async (t) => {
    await using stage = await setup({ partitions: 16 })
    const [first, second] = [await stage.join(), await stage.join()]
    await stage.untilShared([first, second])
    const ghosts = Array.from({ length: 6 }, () => randomBytes(16).toString('hex'))
    await stage.addGhosts(ghosts)
    await stage.until(() => first.owned.size + second.owned.size < 16)
    const releasedAt = performance.now()
    await stage.until(() => first.owned.size + second.owned.size === 16)
    const ms = performance.now() - releasedAt
    t.diagnostic(`all partitions run again after ${ms.toFixed(0)} ms: ${first.owned.size} and ${second.owned.size}`)
    assert.ok(ms < LEASE_MS + 3_000, `${ms} ms`)
    // It stays so, although the ghosts stay.
    await delay(LEASE_MS)
    assert.equal(first.owned.size + second.owned.size, 16)
    assert.ok(stage.takenOver('unclaimed') > 0)
    await stage.removeGhosts(ghosts)
    await stage.untilShared([first, second])
  })

  test('share evenly again after Redis was restarted, with its data and without', async () => {
    await using stage = await setup({ partitions: 16 })
    const workers = [await stage.join(), await stage.join(), await stage.join()]
    await stage.untilShared(workers)
    await stage.restartRedis()
    await stage.untilShared(workers)
    await stage.flushRedis()
    await stage.untilShared(workers)
    workers.push(await stage.join())
    await stage.untilShared(workers)
  })
})

interface Worker {
  readonly owned: ReadonlySet<number>
  leave(): Promise<void>
  /** Without a word: its connection is gone, so that it neither beats, renews nor releases. */
  die(): Promise<void>
}

async function setup({ partitions }: { partitions: number }) {
  const server = await startTestRedis({ appendonly: true })
  const opened = new Set<Worker>()
  /** Per partition: how many run it now, and since when none does. */
  const running = Array.from({ length: partitions }, () => ({ count: 0, freeSince: 0 }))
  let longestGapMs = 0
  let overlaps = 0
  const takenOver = { expired: 0, unclaimed: 0 }

  const join = async (): Promise<Worker> => {
    const redis = openRedis({ url: server.url, name: 'test' })
    await whenReady(redis)
    const registry = createMetrics({ service: 'test' })
    const owned = new Set<number>()
    let isDead = false
    const pool = startPartitionPool({
      partitions,
      leaseMs: LEASE_MS,
      membership: createMembership({ redis, role: 'delivery', ttlMs: rollCallTimes(LEASE_MS).ttlMs }),
      leaseLives: (some) => readLeaseLives({ redis, partitions: some }),
      acquire: (partition) =>
        acquireLease({
          redis,
          blockingRedis: () => assert.fail('nobody waits for entries here'),
          partition,
          leaseMs: LEASE_MS,
        }),
      async runLoop({ lease: { partition }, stopping, gone }) {
        const state = running[partition] ?? assert.fail()
        if (state.count > 0) overlaps++
        if (state.freeSince > 0) longestGapMs = Math.max(longestGapMs, performance.now() - state.freeSince)
        state.count++
        owned.add(partition)
        await Promise.race([aborted(stopping).then(() => delay(DRAIN_MS)), aborted(gone)])
        owned.delete(partition)
        if (isDead) return
        state.count--
        state.freeSince = performance.now()
      },
      openRetries: () => ({
        schedule: () => assert.fail('nothing is retried here'),
        hasten: () => assert.fail('nothing is retried here'),
        stop: async () => undefined,
        close: async () => undefined,
        abandon: async () => undefined,
      }),
      random: Math.random,
      clock: systemClock,
      log: silentLog,
      metrics: {
        ...createDeliveryMetrics(registry, systemClock),
        partitionTakenOver: (reason) => void takenOver[reason]++,
      },
    })
    await pool.ready
    const worker: Worker = {
      owned,
      async leave() {
        opened.delete(worker)
        await pool.stop(5_000)
        await closeRedis(redis)
      },
      async die() {
        isDead = true
        for (const partition of owned) {
          const state = running[partition]
          if (state) Object.assign(state, { count: state.count - 1, freeSince: 0 })
        }
        await closeRedis(redis)
      },
    }
    opened.add(worker)
    return worker
  }
  const until = async (condition: () => boolean) => {
    const deadline = performance.now() + 15_000
    while (!condition()) {
      assert.ok(performance.now() < deadline, 'the condition did not come true in time')
      await delay(10)
    }
  }
  return {
    join,
    until,
    overlaps: () => overlaps,
    longestGapMs: () => longestGapMs,
    takenOver: (reason: 'expired' | 'unclaimed') => takenOver[reason],
    untilShared: (workers: readonly Worker[]) =>
      until(() => {
        const shares = workers.map(({ owned }) => owned.size)
        const total = shares.reduce((sum, share) => sum + share, 0)
        return total === partitions && Math.max(...shares) - Math.min(...shares) <= 1
      }),
    addGhosts: (ids: readonly string[]) =>
      server.cli(
        'zadd',
        'sealcast:members:delivery',
        ...ids.flatMap((id) => [String(systemClock.now() + 300_000), id]),
      ),
    removeGhosts: (ids: readonly string[]) => server.cli('zrem', 'sealcast:members:delivery', ...ids),
    async restartRedis() {
      server.kill()
      await server.start()
    },
    flushRedis: () => server.cli('flushall'),
    async [Symbol.asyncDispose]() {
      await Promise.all([...opened].map((worker) => worker.leave()))
      await server[Symbol.asyncDispose]()
    },
  }
}

const silentLog: Log = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  alarm: () => undefined,
  flush: () => undefined,
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
