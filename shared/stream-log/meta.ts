/**
 * What is fixed for the life of the data: its schema version and the number of partitions.
 *
 * The number cannot follow a setting: the partition function takes it, and with another one the
 * messages of a data key would lie in two partitions. What was chosen first stays.
 */

import { defineScript, type Redis, redisCall } from '#shared/redis'
import { SchemaUnsupportedError } from './errors.ts'
import { keys } from './keys.ts'

const SCHEMA_VERSION = 1

/** More would cost a lease, a connection and a retry queue each without any use. */
const MAX_PARTITIONS = 4096

const script = defineScript(new URL('./open-meta.lua', import.meta.url))

/**
 * @param partitions used at the first start only; the stored number comes back
 * @throws {SchemaUnsupportedError} when the data is of another release's schema
 */
export async function openMeta({
  redis,
  partitions,
}: {
  redis: Redis
  partitions: number
}): Promise<{ partitions: number; schemaVersion: number }> {
  if (!isPartitionCount(partitions)) {
    throw new RangeError(`Cannot open the log: partitions must be 1..${MAX_PARTITIONS}, current value is ${partitions}`)
  }
  const reply = await redisCall(redis, () => script.run(redis, [keys.metaKey], [SCHEMA_VERSION, partitions]), {
    writes: true,
  })
  const [schemaVersion, stored] = Array.isArray(reply) ? reply.map(String).map(Number) : []
  if (schemaVersion !== SCHEMA_VERSION) throw new SchemaUnsupportedError(`its schema version is not ${SCHEMA_VERSION}`)
  if (stored === undefined || !isPartitionCount(stored)) {
    throw new SchemaUnsupportedError('its number of partitions is not usable')
  }
  return { partitions: stored, schemaVersion }
}

function isPartitionCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= MAX_PARTITIONS
}
