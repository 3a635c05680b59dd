/**
 * Looks after the meta record while a process runs, so that nobody starts on another one unnoticed.
 *
 * The process knows the number of partitions from a record that verified. One that was taken away or
 * altered since is put back as it was; one that verifies and differs (it was taken away and made anew by
 * a process with another setting) is for people to judge, as messages may lie beyond the smaller number.
 */

import { RecordForgedError, type RecordMac } from '#shared/record-mac'
import { type Redis, redisCall } from '#shared/redis'
import { keys } from './keys.ts'
import { openMeta } from './meta.ts'

const PAUSE_MS = 5_000

/**
 * @param partitions in force here
 * @param onForged the record was altered; it has been put back
 * @param onDisagreement another number is in force elsewhere; called once for each
 * @returns to be disposed of before the connection is closed
 */
export function watchMeta({
  redis,
  recordMac,
  partitions,
  onForged,
  onDisagreement,
  pauseMs = PAUSE_MS,
}: {
  redis: Redis
  recordMac: RecordMac
  partitions: number
  onForged: () => void
  onDisagreement: (stored: number) => void
  pauseMs?: number
}): Disposable {
  let known = partitions
  const look = async () => {
    const stored = await openMeta({ redis, recordMac, partitions })
    if (stored.partitions !== known && stored.partitions !== partitions) onDisagreement(stored.partitions)
    known = stored.partitions
  }
  const lookAndMend = async () => {
    try {
      await look()
    } catch (error) {
      if (!(error instanceof RecordForgedError)) return
      onForged()
      await redisCall(redis, () => redis.del(keys.metaKey), { writes: true })
      await look()
    }
  }
  // Failures of Redis are everybody's to report but this one's: it looks again soon.
  const timer = setInterval(() => void lookAndMend().catch(() => undefined), pauseMs)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
