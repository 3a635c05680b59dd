/** Finds keys by a pattern, for operators and starts: never on a message's path, since every key of the server is looked at. */

import type { Redis } from 'ioredis'
import { redisCall } from './redis-call.ts'

/** Keys looked at in one step: about a millisecond of Redis's time. */
const SCAN_COUNT = 1_000

/**
 * Gives the names a step at a time, in no order. Every key that is there from beginning to end is among them, some twice
 * in different steps. Whoever writes to Redis chooses names: they are to be parsed like anything else of theirs.
 *
 * @param pattern in Redis's own form
 * @throws {RedisUnavailableError} when Redis does not answer
 * @see Redis: SCAN
 */
export async function* scanKeys(redis: Redis, pattern: string): AsyncGenerator<string[]> {
  let cursor = '0'
  do {
    const at = cursor
    const [next, found] = await redisCall(redis, () => redis.scan(at, 'MATCH', pattern, 'COUNT', SCAN_COUNT))
    // A step may give a key twice.
    if (found.length > 0) yield [...new Set(found)]
    cursor = next
  } while (cursor !== '0')
}
