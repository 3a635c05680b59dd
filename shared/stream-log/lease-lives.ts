/**
 * What is left of the leases of partitions, without taking any: a worker sees from it which are free, and whether a
 * holder renews.
 */

import { coalesceWrites, type Redis, redisCall } from '#shared/redis'
import { keys } from './keys.ts'
import { MAX_LEASE_MS } from './lease.ts'

/**
 * @returns by partition: ms until its lease runs out; undefined when it can be taken, be it free or held by nobody of ours
 * @throws {RedisUnavailableError}
 */
export async function readLeaseLives({
  redis,
  partitions,
}: {
  redis: Redis
  partitions: readonly number[]
}): Promise<ReadonlyMap<number, number | undefined>> {
  // One command a partition, each in its own slot, and all in one write to the socket.
  const lives = await Promise.all(
    partitions.map((partition) =>
      redisCall(redis, () => {
        coalesceWrites(redis)
        return redis.pttl(keys.leaseKey(partition))
      }),
    ),
  )
  return new Map(
    partitions.map((partition, at) => {
      const lifeMs = lives[at] ?? -1
      return [partition, lifeMs >= 0 && lifeMs <= MAX_LEASE_MS ? lifeMs : undefined]
    }),
  )
}
