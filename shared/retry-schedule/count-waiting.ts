/**
 * How many retries wait in some partitions, those that are due and not yet begun included: for metrics.
 *
 * By commands of its own rather than BullMQ's, whose connection keeps what it is given while Redis is gone: a count
 * that comes late is worth nothing, and a pile of them would be sent all at once.
 */

import { coalesceWrites, type Redis, RedisForeignDataError, redisCall } from '#shared/redis'

/** Some hundreds of microseconds of Redis's time. */
const PAGE = 64

/**
 * @param prefixes as given to `open`, one for each partition
 * @throws {RedisUnavailableError} when Redis does not answer
 */
export async function countWaitingRetries({
  redis,
  prefixes,
}: {
  redis: Redis
  prefixes: readonly string[]
}): Promise<number> {
  let waiting = 0
  for (let from = 0; from < prefixes.length; from += PAGE) {
    const page = prefixes
      .slice(from, from + PAGE)
      .flatMap((prefix) => [
        countOf(redis, () => redis.zcard(`${prefix}:retry:delayed`)),
        countOf(redis, () => redis.llen(`${prefix}:retry:wait`)),
      ])
    for (const count of await Promise.all(page)) waiting += count
  }
  return waiting
}

/** @returns 0 where somebody put a key of another type */
async function countOf(redis: Redis, count: () => Promise<number>): Promise<number> {
  try {
    return await redisCall(redis, () => {
      coalesceWrites(redis)
      return count()
    })
  } catch (error) {
    if (error instanceof RedisForeignDataError) return 0
    throw error
  }
}
