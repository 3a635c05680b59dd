/** A connection to Redis for the length of one command. */

import { closeRedis, openRedis, type Redis, whenReady } from '#shared/redis'

/** Whoever types a command should learn soon that its address is wrong. */
const READY_WITHIN_MS = 5_000

/** @throws {RedisUnavailableError} when it does not answer in time */
export async function withRedis<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = openRedis({ url, name: 'cli' })
  try {
    await whenReady(redis, AbortSignal.timeout(READY_WITHIN_MS))
    return await work(redis)
  } finally {
    await closeRedis(redis)
  }
}
