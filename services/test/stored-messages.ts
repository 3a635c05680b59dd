/** Messages as they rest in Redis, read past the broker's code: stream entries, and body records of those that left the stream. */

import type { Redis } from '#shared/redis'
import { keys } from '#shared/stream-log'
import { type Fields, fieldsOf } from './redis-attacker.ts'
import { until } from './until.ts'

/** `stream`: not tried yet. `retry` and `backlog`: in a body record, for one subscription. */
type Place = 'stream' | 'retry' | 'backlog'

export interface StoredMessage {
  readonly place: Place
  readonly partition: number
  /** Of the entry, by name. */
  readonly fields: Fields
}

const PARTITIONS = 16

/** The message wherever it rests; undefined when it rests nowhere. */
async function findStored(redis: Redis, messageId: string): Promise<StoredMessage | undefined> {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const kept = Object.entries(await redis.hgetallBuffer(keys.bodyKey(partition, messageId)))
    const open = kept.find(([name]) => name.startsWith('s:'))
    if (open !== undefined) {
      const fields = new Map(kept.filter(([name]) => name.startsWith('e:')).map(([name, v]) => [name.slice(2), v]))
      return { place: String(open[1]).startsWith('w') ? 'backlog' : 'retry', partition, fields }
    }
    for (const [, parts] of await redis.xrangeBuffer(keys.streamKey(partition), '-', '+')) {
      const fields = fieldsOf(parts)
      if (String(fields.get('id')) === messageId) return { place: 'stream', partition, fields }
    }
  }
  return undefined
}

/** Waits until the message rests where it is meant to. */
export function untilStored(redis: Redis, messageId: string, place: Place): Promise<StoredMessage> {
  return until(`${messageId} rests in ${place}`, async () => {
    const found = await findStored(redis, messageId)
    return found?.place === place && found
  })
}
