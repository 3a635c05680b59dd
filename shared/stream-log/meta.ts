/**
 * What is fixed for the life of the data: its schema version and the number of partitions.
 *
 * The number cannot follow a setting: the partition function takes it, and with another one the
 * messages of a data key would lie in two partitions. What was chosen first stays.
 *
 * Under a MAC like every record: a worker that believed a smaller number would leave the streams beyond
 * it unread, and nobody would notice. Where the record is gone, the streams that exist say which numbers
 * it cannot have held.
 */

import { RecordForgedError, type RecordMac } from '#shared/record-mac'
import { defineScript, type Redis, RedisForeignDataError, redisCall, scanKeys } from '#shared/redis'
import { SchemaUnsupportedError } from './errors.ts'
import { keys } from './keys.ts'

interface Meta {
  partitions: number
  schemaVersion: number
}

const SCHEMA_VERSION = 1

/** More would cost a lease, a connection and a retry queue each without any use. */
const MAX_PARTITIONS = 4096

const script = defineScript(new URL('./open-meta.lua', import.meta.url))

/**
 * @param partitions used at the first start only; the stored number comes back
 * @throws {RecordForgedError} when the record is not as one of us wrote it
 * @throws {SchemaUnsupportedError} when the data is of another release's schema, or of more partitions than would be in force
 */
export async function openMeta({
  redis,
  recordMac,
  partitions,
}: {
  redis: Redis
  recordMac: RecordMac
  partitions: number
}): Promise<Meta> {
  if (!isPartitionCount(partitions)) {
    throw new RangeError(`Cannot open the log: partitions must be 1..${MAX_PARTITIONS}, current value is ${partitions}`)
  }
  const stored = await readMeta(redis)
  if (stored !== undefined) return decodeMeta(stored, recordMac)

  const needed = await countStreams(redis)
  if (needed > partitions) {
    throw new SchemaUnsupportedError(
      `it has streams of ${needed} partitions or more, and no record of their number; the setting says ${partitions}`,
    )
  }
  const mac = recordMac.authenticate('meta', [String(SCHEMA_VERSION), String(partitions)])
  const args = [SCHEMA_VERSION, partitions, mac]
  const reply = await redisCall(redis, () => script.run(redis, [keys.metaKey], args), { writes: true })
  return decodeMeta(Array.isArray(reply) ? reply.map(textOf) : [], recordMac)
}

/**
 * For whoever only looks: changes nothing.
 *
 * @returns undefined where no process has begun yet
 * @throws {RecordForgedError} when the record is not as one of us wrote it
 * @throws {SchemaUnsupportedError} when the data is of another release's schema
 */
export async function readPartitions({
  redis,
  recordMac,
}: {
  redis: Redis
  recordMac: RecordMac
}): Promise<number | undefined> {
  const stored = await readMeta(redis)
  return stored === undefined ? undefined : decodeMeta(stored, recordMac).partitions
}

type StoredMeta = (string | undefined)[]

/** @returns schema version, partitions and MAC; undefined when there is no record */
async function readMeta(redis: Redis): Promise<StoredMeta | undefined> {
  try {
    const values = await redisCall(redis, () => redis.hmget(keys.metaKey, 'schemaVersion', 'partitions', 'mac'))
    return values.every((value) => value === null) ? undefined : values.map(textOf)
  } catch (error) {
    if (!(error instanceof RedisForeignDataError)) throw error
    throw new RecordForgedError('Cannot trust a stored record: the key of kind meta is no hash')
  }
}

function decodeMeta([schemaVersion, partitions, mac]: StoredMeta, recordMac: RecordMac): Meta {
  // Later schemas keep this MAC, so that an earlier release can tell them from a forgery.
  recordMac.verify('meta', [schemaVersion, partitions], mac)
  if (schemaVersion !== String(SCHEMA_VERSION)) {
    throw new SchemaUnsupportedError(`its schema version is not ${SCHEMA_VERSION}`)
  }
  const count = Number(partitions)
  if (!isPartitionCount(count)) throw new SchemaUnsupportedError('its number of partitions is not usable')
  return { partitions: count, schemaVersion: SCHEMA_VERSION }
}

/** @returns the number of the last partition that has a stream, counted from 1; 0 when there is none */
async function countStreams(redis: Redis): Promise<number> {
  let count = 0
  for await (const found of scanKeys(redis, 'sealcast:{p:*}:stream')) {
    for (const key of found) {
      const partition = Number(/^sealcast:\{p:(\d+)\}:stream$/.exec(key)?.[1] ?? Number.NaN)
      if (partition < MAX_PARTITIONS) count = Math.max(count, partition + 1)
    }
  }
  return count
}

function isPartitionCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= MAX_PARTITIONS
}

function textOf(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : String(value)
}
