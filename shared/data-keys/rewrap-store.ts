/**
 * Where rewrapped data keys lie: a string for each, in the slot of its topic. Whoever retires a KMS key writes them;
 * gateways and workers look here before each Decrypt, of which there is one a data key.
 *
 * Redis is not trusted: a record that does not verify is reported and counts as none, so that the message's own
 * encrypted data key is asked for. What remains to an attacker is to take records away or to put back earlier ones:
 * messages then wait for a KMS key that is gone.
 */

import { RecordForgedError, type RecordMac } from '#shared/record-mac'
import { defineScript, type Redis, RedisForeignDataError, redisCall, scanKeys } from '#shared/redis'
import {
  decodeRewrapRecord,
  type EncryptedDataKey,
  encodeRewrapRecord,
  type Rewrapped,
  type RewrapRecord,
  rewrapNameOf,
} from './rewrap-record.ts'

export interface RewrapStore {
  /** @returns undefined when nothing that verifies stands in for the key */
  find(key: EncryptedDataKey): Promise<Rewrapped | undefined>
  /** As `find`; `stored` is what `replace` compares with. */
  look(key: EncryptedDataKey): Promise<{ rewrapped: Rewrapped | undefined; stored: Buffer }>
  /**
   * Stores a record, unless somebody has changed it since it was looked at.
   *
   * @param o.stored as `look` gave it
   * @returns false when somebody has
   */
  replace(key: EncryptedDataKey, o: { by: Rewrapped; stored: Buffer }): Promise<boolean>
  /** All of them; those that do not verify are reported and left out. Looks at every key of the server. */
  list(): AsyncGenerator<(RewrapRecord & { stored: Buffer })[]>
  /** Removes a record as it was listed. @returns false when it is another by now */
  remove(record: RewrapRecord & { stored: Buffer }): Promise<boolean>
}

/** What is stored where nothing is. */
const NONE = Buffer.alloc(0)

const replaceScript = defineScript(new URL('./replace-rewrap.lua', import.meta.url))

/**
 * @param o.onForged a record did not verify: somebody writes to Redis who should not
 * @throws {RedisUnavailableError} (each method) when Redis does not answer
 */
export function createRewrapStore({
  redis,
  recordMac,
  onForged,
}: {
  redis: Redis
  recordMac: RecordMac
  onForged: (what: { kind: 'rewrap'; topicArn: string }) => void
}): RewrapStore {
  return {
    find: async (key) => (await look(key)).rewrapped,
    look,
    async replace(key, { by, stored }) {
      const record = { ...by, topicArn: key.topicArn, name: rewrapNameOf(key), sourceKeyArn: key.keyArn }
      return replaceStored(record, stored, encodeRewrapRecord(record, recordMac))
    },
    list,
    remove: (record) => replaceStored(record, record.stored, ''),
  }

  async function look(key: EncryptedDataKey) {
    const place = { topicArn: key.topicArn, name: rewrapNameOf(key) }
    const stored = await read(place)
    return { rewrapped: stored === null ? undefined : decode(stored, place), stored: stored ?? NONE }
  }

  async function read(place: { topicArn: string; name: string }): Promise<Buffer | null> {
    try {
      return await redisCall(redis, () => redis.getBuffer(keyOf(place)))
    } catch (error) {
      if (!(error instanceof RedisForeignDataError)) throw error
      onForged({ kind: 'rewrap', topicArn: place.topicArn })
      return null
    }
  }

  function decode(stored: Buffer, place: { topicArn: string; name: string }): RewrapRecord | undefined {
    try {
      return decodeRewrapRecord(stored.toString('utf8'), place, recordMac)
    } catch (error) {
      if (!(error instanceof RecordForgedError)) throw error
      onForged({ kind: 'rewrap', topicArn: place.topicArn })
      return undefined
    }
  }

  async function* list(): AsyncGenerator<(RewrapRecord & { stored: Buffer })[]> {
    for await (const found of scanKeys(redis, 'sealcast:{t:*}:rewrap:*')) {
      const records = await Promise.all(found.map(readListed))
      yield records.filter((record) => record !== undefined)
    }
  }

  async function readListed(key: string): Promise<(RewrapRecord & { stored: Buffer }) | undefined> {
    const [, topicArn, name] = /^sealcast:\{t:(arn:[\w:.-]{1,512})\}:rewrap:([0-9a-f]{64})$/.exec(key) ?? []
    if (topicArn === undefined || name === undefined) return undefined
    const stored = await read({ topicArn, name })
    if (stored === null) return undefined
    const record = decode(stored, { topicArn, name })
    return record && { ...record, stored }
  }

  async function replaceStored(place: { topicArn: string; name: string }, stored: Buffer, by: string) {
    const reply = await redisCall(redis, () => replaceScript.run(redis, [keyOf(place)], [stored, by]), { writes: true })
    return reply === 1
  }
}

function keyOf({ topicArn, name }: { topicArn: string; name: string }): string {
  return `sealcast:{t:${topicArn}}:rewrap:${name}`
}
