/**
 * Appends entries to their partition streams. What `append` returns from is stored; what it throws says
 * whether it may be stored nevertheless (#shared/redis).
 */

import type { RecordMac } from '#shared/record-mac'
import { coalesceWrites, type Redis, redisCall } from '#shared/redis'
import { type Entry, encodeEntry } from './entry.ts'
import { keys } from './keys.ts'
import { partitionOf } from './partition.ts'

export interface StreamAppender {
  /**
   * @throws {RedisUnavailableError} {@link RedisRefusedError} nothing is stored
   * @throws {RedisOutcomeUnknownError} it may be stored
   */
  append(entry: Entry): Promise<void>
}

/** @param partitions from `openMeta`, not from a setting */
export function createStreamAppender({
  redis,
  recordMac,
  partitions,
}: {
  redis: Redis
  recordMac: RecordMac
  partitions: number
}): StreamAppender {
  return {
    async append(entry) {
      const stream = keys.streamKey(partitionOf(entry.topicArn, entry.principal, partitions))
      const fields = encodeEntry(entry, recordMac)
      await redisCall(
        redis,
        () => {
          // Publishes that arrive together leave together; see the numbers there.
          coalesceWrites(redis)
          return redis.xadd(stream, '*', ...fields)
        },
        { writes: true },
      )
    },
  }
}
