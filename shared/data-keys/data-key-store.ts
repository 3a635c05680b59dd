/**
 * Where gateways leave a pair's encrypted data key for each other, and the lock that lets one of them
 * ask KMS for it. Redis: one string and one lock a pair, in the topic's slot.
 *
 * Redis is not trusted: a record that does not verify is reported and treated as absent, so that it is
 * overwritten with a fresh key; so is a key of another type, and a lock that would never run out. What
 * remains to an attacker is to cause KMS calls and delay.
 */

import { randomUUID } from 'node:crypto'
import { RecordForgedError, type RecordMac } from '#shared/record-mac'
import { defineScript, pipelineReplies, type Redis, RedisForeignDataError, redisCall } from '#shared/redis'
import type { ActivePairs } from './active-pairs.ts'
import { type DataKeyPair, recordNameOf } from './data-key-pair.ts'
import { type DataKeyRecord, decodeDataKeyRecord, encodeDataKeyRecord } from './data-key-record.ts'

export interface StoredDataKey {
  readonly record: DataKeyRecord
  /** What is left of the key's life by the store's clock, in ms: the one clock that all gateways share. */
  readonly lifeMs: number
}

export interface DataKeyStore {
  /** @returns undefined when there is none that verifies */
  read(pair: DataKeyPair): Promise<StoredDataKey | undefined>
  /** @returns a token, or undefined while another holds the lock */
  lock(pair: DataKeyPair, leaseMs: number): Promise<string | undefined>
  /**
   * Stores the record and releases the lock.
   *
   * @param o.leaseMs with which the lock was taken
   * @param o.lifeMs counted from the taking of the lock, after which the record disappears
   * @returns false when the lock is no longer the caller's: another gateway's key stays
   */
  write(
    pair: DataKeyPair,
    o: { record: DataKeyRecord; token: string; leaseMs: number; lifeMs: number },
  ): Promise<boolean>
  /** Releases the lock without a record; does nothing when it is no longer the caller's. */
  unlock(pair: DataKeyPair, token: string): Promise<void>
}

/** What PTTL says of a key that is not there. One that would never run out is none of ours. */
const PTTL_ABSENT = -2

const lockScript = defineScript(new URL('./take-lock.lua', import.meta.url))
const storeScript = defineScript(new URL('./store-data-key.lua', import.meta.url))
const releaseScript = defineScript(new URL('./release-lock.lua', import.meta.url))

/**
 * @param o.activePairs learns of each record that was stored; a failure of its own is not the store's
 * @param o.onForged a record did not verify, or a lock is none of ours: somebody writes to Redis who should not
 * @throws {RedisUnavailableError} (each method) when Redis does not answer
 */
export function createDataKeyStore({
  redis,
  recordMac,
  activePairs,
  onForged,
}: {
  redis: Redis
  recordMac: RecordMac
  activePairs?: Pick<ActivePairs, 'note'>
  onForged: (what: { kind: 'data-key'; topicArn: string }) => void
}): DataKeyStore {
  // Nothing here counts as a write to `redisCall`: its "may have been stored" would be told to a publisher,
  // whose message has not been sent yet. A lock of which we do not know runs out by itself.
  const call = <T>(work: () => Promise<T>) => redisCall(redis, work, { writes: false })
  return {
    async read(pair) {
      try {
        const key = keyOf(pair)
        const [value, lifeMs] = await call(() => pipelineReplies(redis.pipeline().get(key).pttl(key).exec()))
        // Gone between the two commands counts as gone before them.
        if (typeof value !== 'string' || typeof lifeMs !== 'number' || lifeMs === PTTL_ABSENT) return undefined
        if (lifeMs < 0) throw new RecordForgedError('data-key')
        return { record: decodeDataKeyRecord(value, pair, recordMac), lifeMs }
      } catch (error) {
        if (!(error instanceof RecordForgedError) && !(error instanceof RedisForeignDataError)) throw error
        onForged({ kind: 'data-key', topicArn: pair.topicArn })
        return undefined
      }
    },
    async lock(pair, leaseMs) {
      const token = randomUUID()
      const taken = await call(() => lockScript.run(redis, [lockKeyOf(pair)], [token, leaseMs]))
      if (taken === 2) onForged({ kind: 'data-key', topicArn: pair.topicArn })
      return taken === 0 ? undefined : token
    },
    async write(pair, { record, token, leaseMs, lifeMs }) {
      const value = encodeDataKeyRecord(record, pair, recordMac)
      const keys = [keyOf(pair), lockKeyOf(pair)]
      const leftMs = Number(await call(() => storeScript.run(redis, keys, [token, value, lifeMs, leaseMs])))
      if (leftMs < 1) return false
      activePairs?.note(pair, leftMs)
      return true
    },
    async unlock(pair, token) {
      await call(() => releaseScript.run(redis, [lockKeyOf(pair)], [token]))
    },
  }
}

function keyOf(pair: DataKeyPair): string {
  return `sealcast:{t:${pair.topicArn}}:datakey:${recordNameOf(pair)}`
}

function lockKeyOf(pair: DataKeyPair): string {
  return `${keyOf(pair)}:lock`
}
