/** All data keys that may be sealing now, as gateways have left them for each other: for operators. */

import { RecordForgedError, type RecordMac } from '#shared/record-mac'
import { type Redis, RedisForeignDataError, redisCall } from '#shared/redis'
import type { DataKeyPair } from './data-key-pair.ts'
import { type DataKeyRecord, decodeFoundDataKeyRecord } from './data-key-record.ts'

export type FoundDataKey = DataKeyRecord & DataKeyPair

/** Keys looked at in one step of a scan: about a millisecond of Redis's time. */
const SCAN_COUNT = 1_000

/**
 * Looks at every key of the server. A gateway whose record could not be stored, or was taken away, is not in it, for at
 * most one reuse period.
 *
 * @param o.onForged a record did not verify; it is left out
 * @throws {RedisUnavailableError} when Redis does not answer
 */
export async function* listDataKeys(o: {
  redis: Redis
  recordMac: RecordMac
  onForged: (what: { kind: 'data-key'; topicArn: string }) => void
}): AsyncGenerator<FoundDataKey[]> {
  let cursor = '0'
  do {
    const at = cursor
    const [next, found] = await redisCall(o.redis, () =>
      o.redis.scan(at, 'MATCH', 'sealcast:{t:*}:datakey:*', 'COUNT', SCAN_COUNT),
    )
    const records = await Promise.all([...new Set(found)].map((key) => read(key, o)))
    yield records.filter((record) => record !== undefined)
    cursor = next
  } while (cursor !== '0')
}

async function read(key: string, o: Parameters<typeof listDataKeys>[0]): Promise<FoundDataKey | undefined> {
  // Locks have names of their own.
  const [, topicArn, name] = /^sealcast:\{t:([^{}]+)\}:datakey:([0-9a-f]{64})$/.exec(key) ?? []
  if (topicArn === undefined || name === undefined) return undefined
  try {
    const value = await redisCall(o.redis, () => o.redis.get(key))
    return value === null ? undefined : decodeFoundDataKeyRecord(value, { topicArn, name }, o.recordMac)
  } catch (error) {
    if (!(error instanceof RecordForgedError) && !(error instanceof RedisForeignDataError)) throw error
    o.onForged({ kind: 'data-key', topicArn })
    return undefined
  }
}
