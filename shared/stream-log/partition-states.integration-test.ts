import assert from 'node:assert/strict'
import { after, suite, test } from 'node:test'
import { type PartitionState, readPartitionStates } from './index.ts'
import { keys } from './keys.ts'
import { type LeaseStage, shareServer } from './testing/lease-stage.ts'

for (const mode of ['standalone', 'cluster'] as const) {
  suite(`readPartitionStates(), ${mode}`, () => {
    const shared = shareServer({ cluster: mode === 'cluster' })
    after(() => shared.dispose())

    test('follows entries from the stream into quarantine or away, before and after there is a group', async () => {
      await using t = await shared.setup({ acquire: false })
      assert.deepEqual(await stateOf(t), { entries: 0, pending: 0, leased: false, quarantined: 0, isOld: false })
      await t.appender.appendBatch([t.anEntry(), t.anEntry(), t.anEntry()])
      assert.deepEqual(await stateOf(t), { entries: 3, pending: 0, leased: false, quarantined: 0, isOld: false })
      const lease = await t.acquire()
      const [first, second] = await lease.claim(2)
      assert.ok(first && second)
      assert.deepEqual(await stateOf(t), { entries: 3, pending: 2, leased: true, quarantined: 0, isOld: false })
      await lease.quarantine(first, 'RECORD_FORGED')
      await lease.settle([second.streamId])
      await lease.release()
      assert.deepEqual(await stateOf(t), { entries: 1, pending: 0, leased: false, quarantined: 1, isOld: false })
    })

    test("tells the oldest entry's age by Redis's clock, pending or not, and none that is below zero", async () => {
      await using t = await shared.setup({ acquire: false })
      const nowMs = Number((await t.redis.time())[0]) * 1000
      await t.redis.xadd(t.stream, `${nowMs - 3_600_000}-0`, 'a', 'b')
      await t.appender.append(t.anEntry())
      assert.equal((await stateOf(t)).isOld, true)
      const lease = await t.acquire()
      const [old] = await lease.claim(1)
      assert.ok(old)
      assert.equal((await stateOf(t)).isOld, true)
      await lease.settle([old.streamId])
      assert.equal((await stateOf(t)).isOld, false)
      await t.redis.xtrim(t.stream, 'MAXLEN', 0)
      await t.redis.xadd(t.stream, `${nowMs + 3_600_000}-0`, 'a', 'b')
      assert.equal((await whole(t))[t.partition]?.oldestEntryMs, 0)
    })

    test('takes a lease that nobody of ours can have taken for none, and leaves out a partition that was replaced', async () => {
      await using t = await shared.setup({ acquire: false })
      await t.redis.set(keys.leaseKey(t.partition), 'for ever')
      assert.equal((await stateOf(t)).leased, false)
      await t.redis.set(t.stream, 'no stream')
      const states = await whole(t)
      assert.deepEqual(
        states.map(({ partition }) => partition),
        Array.from({ length: PARTITIONS }, (_, at) => at).filter((partition) => partition !== t.partition),
      )
    })
  })
}

/** More than a page. */
const PARTITIONS = 150

function whole(t: LeaseStage): Promise<PartitionState[]> {
  return readPartitionStates({ redis: t.redis, partitions: PARTITIONS })
}

/** @returns with whether the oldest entry is an hour old */
async function stateOf(t: LeaseStage) {
  const state = (await whole(t)).find(({ partition }) => partition === t.partition)
  assert.ok(state)
  const { partition, oldestEntryMs, ...rest } = state
  assert.ok(oldestEntryMs >= 0 && oldestEntryMs < 2 * 3_600_000)
  return { ...rest, isOld: oldestEntryMs >= 3_600_000 - 1_000 }
}
