/** Measured: kill -9 of redis-server under load, restart on the same directory, and what is missing. */

import { setTimeout as delay } from 'node:timers/promises'
import { startTestRedis } from '#shared/test-redis'
import { startLaggingLink } from './lagging-link.ts'
import { type Loss, lossOf, readMessageIds, startPublishLoad } from './publish-load.ts'
import { slowDownSyncs } from './trace-redis.ts'

/** @param o.syncDelayMs makes every fdatasync take so much longer, as on a slow or busy disk */
export async function killRound(o: { fsync: 'always' | 'everysec'; syncDelayMs?: number }): Promise<Loss> {
  await using redis = await startTestRedis({ appendonly: true, fsync: o.fsync })
  const tracer = o.syncDelayMs === undefined ? undefined : await slowDownSyncs(redis.pid, o.syncDelayMs)
  const load = await startPublishLoad({ url: redis.url })
  await delay(1200 + Math.random() * 1000)
  const diedAt = performance.now()
  redis.kill()
  await load.ended
  await tracer?.ended
  await redis.start()
  return lossOf(load.acknowledged, await readMessageIds(redis.url), diedAt)
}

/**
 * The primary dies with the network in between, its replica takes over.
 *
 * @param o.lagMs one way, of the link between the two: what is under way on it is lost
 */
export async function failOverRound(o: { waitReplicas: number; lagMs: number }): Promise<Loss> {
  await using primary = await startTestRedis({ appendonly: true })
  await using link = await startLaggingLink({ toPort: primary.port, lagMs: o.lagMs })
  await using replica = await startTestRedis({ appendonly: true, replicaOf: link.port })
  const load = await startPublishLoad({ url: primary.url, waitReplicas: o.waitReplicas })
  await delay(500 + Math.random() * 500)
  const diedAt = performance.now()
  link.cut()
  primary.kill()
  await load.ended
  await replica.cli('replicaof', 'no', 'one')
  return lossOf(load.acknowledged, await readMessageIds(replica.url), diedAt)
}
