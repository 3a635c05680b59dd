/**
 * Appends entries to their partition streams. What `append` and `appendBatch` return from is stored; what
 * they throw says whether it may be stored nevertheless (#shared/redis).
 */

import type { RecordMac } from '#shared/record-mac'
import { coalesceWrites, defineScript, type Redis, redisCall, type ScriptArgument } from '#shared/redis'
import { type Entry, encodeEntry } from './entry.ts'
import { keys } from './keys.ts'
import { partitionOf } from './partition.ts'

export interface StreamAppender {
  /**
   * @throws {RedisUnavailableError} {@link RedisRefusedError} nothing is stored
   * @throws {RedisOutcomeUnknownError} it may be stored
   * @throws {RedisUnderReplicatedError} it is stored, and a fail-over may lose it
   */
  append(entry: Entry): Promise<void>
  /**
   * Appends all of them in order, or none.
   *
   * @param entries at least one, all of one topic and principal, hence of one partition
   * @throws {RangeError} for entries of two partitions, or none
   * @throws as `append`; what may be stored is all of them
   */
  appendBatch(entries: readonly Entry[]): Promise<void>
}

const batchScript = defineScript(new URL('./append-batch.lua', import.meta.url))

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
  const streamOf = ({ topicArn, principal }: Entry) => keys.streamKey(partitionOf(topicArn, principal, partitions))

  /** Every append goes through here: one command or script, whose failure is told as that of a write. */
  const write = (work: () => Promise<unknown>) =>
    redisCall(
      redis,
      () => {
        // Publishes that arrive together leave together; see the numbers there.
        coalesceWrites(redis)
        return work()
      },
      { writes: true },
    )

  return {
    async append(entry) {
      const stream = streamOf(entry)
      const fields = encodeEntry(entry, recordMac)
      await write(() => redis.xadd(stream, '*', ...fields))
    },
    async appendBatch(entries) {
      const [first] = entries
      if (first === undefined) throw new RangeError('Cannot append a batch: it has no entries')
      const isTogether = ({ topicArn, principal }: Entry) =>
        topicArn === first.topicArn && principal === first.principal
      if (!entries.every(isTogether)) throw new RangeError('Cannot append a batch: its entries have several publishers')
      const args: ScriptArgument[] = []
      for (const entry of entries) {
        const fields = encodeEntry(entry, recordMac)
        args.push(fields.length, ...fields)
      }
      await write(() => batchScript.run(redis, [streamOf(first)], args))
    },
  }
}
