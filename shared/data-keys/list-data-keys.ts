/** All data keys that may be sealing now, as gateways have left them for each other: for operators. */

import { RecordForgedError, type RecordMac } from '#shared/record-mac'
import { type Redis, RedisForeignDataError, redisCall, scanKeys } from '#shared/redis'
import type { DataKeyPair } from './data-key-pair.ts'
import { type DataKeyRecord, decodeFoundDataKeyRecord } from './data-key-record.ts'

export type FoundDataKey = DataKeyRecord & DataKeyPair

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
  for await (const found of scanKeys(o.redis, 'sealcast:{t:*}:datakey:*')) {
    const records = await Promise.all(found.map((key) => read(key, o)))
    yield records.filter((record) => record !== undefined)
  }
}

async function read(key: string, o: Parameters<typeof listDataKeys>[0]): Promise<FoundDataKey | undefined> {
  // Locks have names of their own.
  const [, topicArn, name] = /^sealcast:\{t:(arn:[\w:.-]{1,512})\}:datakey:([0-9a-f]{64})$/.exec(key) ?? []
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
