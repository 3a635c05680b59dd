/**
 * A model of power loss: of the AOF, only what had been written when the last completed fdatasync began
 * is taken to be on disk.
 *
 * kill -9 does not show this: written bytes survive in the page cache. A real disk may keep more than the
 * model (the kernel writes back by itself) and, where it lies about fdatasync, less.
 */

import { cp, mkdtemp, readdir, readFile, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startTestRedis } from '#shared/test-redis'
import { type Loss, lossOf, readMessageIds, startPublishLoad } from './publish-load.ts'
import { syncedLengthOf, traceSyncs } from './trace-redis.ts'

export interface PowerLoss extends Loss {
  /** How long before the death the last sync that completed had begun. */
  syncedMsBefore: number
  unsyncedBytes: number
}

export async function powerLossRound(o: { fsync: 'always' | 'everysec' }): Promise<PowerLoss> {
  const folder = await mkdtemp(join(tmpdir(), 'sealcast-power-loss-'))
  try {
    const load = await diedUnderLoad()
    const length = (await stat(load.aof)).size
    const synced = syncedLengthOf(await readFile(load.trace, 'utf8'), load.startBytes)
    await truncate(load.aof, Math.min(length, synced.bytes))
    await using survivor = await startTestRedis({ dir: join(folder, 'cut'), appendonly: true })
    return {
      ...lossOf(load.acknowledged, await readMessageIds(survivor.url), load.diedAt),
      syncedMsBefore: load.diedAtEpoch - synced.at,
      unsyncedBytes: length - synced.bytes,
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }

  async function diedUnderLoad() {
    await using redis = await startTestRedis({ appendonly: true, fsync: o.fsync })
    // A rewrite would move on to another file in the middle of a round.
    await redis.cli('config', 'set', 'auto-aof-rewrite-percentage', '0')
    const startBytes = (await stat(await incrementOf(redis.dir))).size
    const trace = join(folder, 'strace')
    const tracer = await traceSyncs(redis.pid, trace)
    const load = await startPublishLoad({ url: redis.url })
    await delay(1500 + Math.random() * 1000)
    const diedAt = performance.now()
    const diedAtEpoch = Date.now()
    redis.kill()
    await load.ended
    await tracer.ended
    await cp(redis.dir, join(folder, 'cut'), { recursive: true })
    const aof = await incrementOf(join(folder, 'cut'))
    return { acknowledged: load.acknowledged, diedAt, diedAtEpoch, startBytes, trace, aof }
  }
}

/** Redis 7 keeps a base, a manifest and the increment it appends to; only the last one grows. */
async function incrementOf(dir: string): Promise<string> {
  const folder = join(dir, 'appendonlydir')
  const names = (await readdir(folder)).filter((name) => name.endsWith('.incr.aof'))
  const [name] = names
  if (name === undefined || names.length > 1)
    throw new Error(`Cannot tell the AOF's increment among ${names.join(', ')}`)
  return join(folder, name)
}
