/**
 * How many messages wait in the backlogs of some partitions: for metrics. Takes no lease and reads no message.
 *
 * A step at a time, each in one write to the socket and the next only after its replies: tens of thousands of backlogs
 * take long to count, and never hold anybody up.
 */

import { coalesceWrites, type Redis, RedisForeignDataError, redisCall } from '#shared/redis'
import { listBacklogs } from './backlog.ts'
import { keys } from './keys.ts'

/** Some hundreds of microseconds of Redis's time. */
const PAGE = 256

/**
 * @param partitions whose backlogs are counted
 * @returns messages that wait, each once for each subscription it waits for, those under way from there included
 * @throws {RedisUnavailableError} when Redis does not answer
 */
export async function countBacklogMessages({
  redis,
  partitions,
}: {
  redis: Redis
  partitions: readonly number[]
}): Promise<number> {
  let waiting = 0
  for (const partition of partitions) {
    const ids = (await orNone(listBacklogs(redis, partition))) ?? []
    for (let from = 0; from < ids.length; from += PAGE) {
      const page = ids.slice(from, from + PAGE).map((id) => orNone(lengthOf(redis, keys.backlogKey(partition, id))))
      for (const length of await Promise.all(page)) waiting += length ?? 0
    }
  }
  return waiting
}

function lengthOf(redis: Redis, key: string): Promise<number> {
  return redisCall(redis, () => {
    coalesceWrites(redis)
    return redis.xlen(key)
  })
}

/** @returns undefined where somebody put a key of another type */
async function orNone<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read
  } catch (error) {
    if (error instanceof RedisForeignDataError) return undefined
    throw error
  }
}
