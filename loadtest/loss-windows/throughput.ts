/** What each promise costs: appends a second, by when they are acknowledged. */

import { setTimeout as delay } from 'node:timers/promises'
import { startTestRedis } from '#shared/test-redis'
import { startPublishLoad } from './publish-load.ts'

const WARM_UP_MS = 300
const MEASURED_MS = 1200

/** @param o.replicas that exist; @param o.waitReplicas that are waited for */
export async function appendsPerSecond(o: {
  fsync: 'always' | 'everysec'
  replicas: number
  waitReplicas: number
  inFlight: number
}): Promise<number> {
  await using cleanup = new AsyncDisposableStack()
  const primary = cleanup.use(await startTestRedis({ appendonly: true, fsync: o.fsync }))
  for (let n = 0; n < o.replicas; n++) {
    cleanup.use(await startTestRedis({ appendonly: true, fsync: o.fsync, replicaOf: primary.port }))
  }
  const load = await startPublishLoad({ url: primary.url, waitReplicas: o.waitReplicas, inFlight: o.inFlight })
  await delay(WARM_UP_MS)
  const before = load.acknowledged.size
  const startedAt = performance.now()
  await delay(MEASURED_MS)
  const rate = ((load.acknowledged.size - before) / (performance.now() - startedAt)) * 1000
  load.stop()
  await load.ended
  return rate
}
