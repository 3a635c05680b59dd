/**
 * One look at Redis and the partitions, for the gauges. On a connection of its own: a thousand answers in front of a
 * publish's would be felt.
 */

import { BrokerError } from '#shared/errors'
import type { RedisServerState } from '#shared/redis'
import type { PartitionState } from '#shared/stream-log'
import type { RedisGauges } from './redis-gauges.ts'

/**
 * @param o.untilReady rejects when Redis cannot be reached in time
 * @returns a look, which resolves to whether Redis answered at all
 * @throws what is a fault of ours rather than Redis's being away
 */
export function createSampleRedis(o: {
  untilReady: () => Promise<void>
  readServer: () => Promise<RedisServerState>
  readPartitions: () => Promise<PartitionState[]>
  gauges: Pick<RedisGauges, 'server' | 'partitions' | 'unavailable'>
}): () => Promise<boolean> {
  const { gauges } = o
  return async () => {
    try {
      await o.untilReady()
    } catch {
      // Also where it refuses the credentials: the connection that publishes says so.
      gauges.unavailable()
      return false
    }
    let isAnswered = false
    try {
      gauges.server(await orNotAllowed(o.readServer()))
      isAnswered = true
      gauges.partitions(await o.readPartitions())
    } catch (error) {
      if (!(error instanceof BrokerError && error.retryable)) throw error
      gauges.unavailable()
    }
    return isAnswered
  }
}

/** A user of Redis that may not ask this is no reason to see nothing else. */
async function orNotAllowed(read: Promise<RedisServerState>): Promise<RedisServerState | undefined> {
  try {
    return await read
  } catch (error) {
    if (error instanceof BrokerError && error.code === 'REDIS_AUTHENTICATION_FAILED') return undefined
    throw error
  }
}
