/**
 * Every message that is stored, wherever it waits: for operators who must know what still needs a KMS key. Takes no
 * lease and changes nothing, so it may run beside any number of workers.
 *
 * What moves while it is read must not be missed. A message goes one way only,
 *
 *   partition stream → held for a KMS key → body record (retries, backlogs, held references) → gone
 *           └──────────────┴─→ quarantine
 *
 * each step either one script or written at the far end first, and the places are read in that order, one wholly before
 * the next. So a message that has left a place before its turn is in a later one, and stays there until that one's turn
 * or goes on again. (SCAN gives every key that is there from its beginning to its end.) What is met twice on its way
 * is given twice: a snapshot counts too many rather than too few. Not given: what is appended after the stream's turn
 * began.
 *
 * Nothing is verified here: fields are as they lie, for `decodeEntry`.
 */

import { defineScript, type Redis, RedisForeignDataError, redisCall, scanKeys } from '#shared/redis'
import { type BodyRecord, readBody } from './body-record.ts'
import { keys } from './keys.ts'
import { MAX_ENTRY_BYTES } from './limit.ts'
import { unpackEntries } from './packed-entries.ts'

export type StoredState = 'undelivered' | 'held' | 'retrying' | 'backlogged' | 'quarantined'

export interface StoredMessage {
  state: StoredState
  /** Of the entry; none of one that is longer than any of ours. */
  fields: ReadonlyMap<string, Buffer>
}

/** With the largest bodies 16 MiB. */
const PAGE = 64

const script = defineScript(new URL('./read-stored.lua', import.meta.url))

/** @throws {RedisUnavailableError} when Redis does not answer */
export async function* readStoredMessages({
  redis,
  partitions,
}: {
  redis: Redis
  partitions: number
}): AsyncGenerator<StoredMessage[]> {
  for (let partition = 0; partition < partitions; partition++) {
    for await (const page of readStream(redis, keys.streamKey(partition))) yield withState('undelivered', page)
  }
  // The set of held keys is not asked: whoever empties it would hide what waits.
  for await (const found of scanKeys(redis, 'sealcast:{p:*}:held:*')) {
    for (const key of found) {
      for await (const page of readStream(redis, key)) yield withState('held', page.filter(isEntry))
    }
  }
  for await (const found of scanKeys(redis, 'sealcast:{p:*}:body:*')) yield* readBodies(redis, found)
  for (let partition = 0; partition < partitions; partition++) {
    for await (const page of readStream(redis, keys.quarantineKey(partition))) {
      yield withState('quarantined', page.map(quarantinedFields))
    }
  }
}

type StoredFields = ReadonlyMap<string, Buffer>

async function* readStream(redis: Redis, key: string): AsyncGenerator<StoredFields[]> {
  let after = '0'
  let last = ''
  for (;;) {
    const args = [after, last, PAGE, MAX_ENTRY_BYTES]
    const reply = await redisCall(redis, () => script.run(redis, [key], args))
    if (!Array.isArray(reply)) return
    const entries = unpackEntries(reply[0])
    last = String(reply[1])
    after = entries.at(-1)?.streamId ?? last
    if (entries.length > 0) yield entries.map(({ fields }) => fields)
    // Shorter than asked for: the rest of them is gone, or there is none.
    if (entries.length < PAGE) return
  }
}

async function* readBodies(redis: Redis, found: readonly string[]): AsyncGenerator<StoredMessage[]> {
  const places = found.flatMap((key) => {
    const [, partition, messageId] = /^sealcast:\{p:(\d{1,4})\}:body:([\w-]{1,64})$/.exec(key) ?? []
    return partition === undefined || messageId === undefined ? [] : [{ partition: Number(partition), messageId }]
  })
  for (let at = 0; at < places.length; at += PAGE) {
    const page = places.slice(at, at + PAGE)
    const bodies = await Promise.all(page.map(({ partition, messageId }) => tryBody(redis, partition, messageId)))
    yield bodies.flatMap((body) => (body === undefined ? [] : [{ state: stateOf(body), fields: body.fields }]))
  }
}

/** @returns undefined also for a key of another type, which holds nothing of ours */
async function tryBody(redis: Redis, partition: number, messageId: string): Promise<BodyRecord | undefined> {
  try {
    return await readBody(redis, partition, messageId)
  } catch (error) {
    if (error instanceof RedisForeignDataError) return undefined
    throw error
  }
}

/** One state a message, however many subscriptions wait: that which keeps it longest. */
function stateOf({ open }: BodyRecord): StoredState {
  const states = [...open.values()]
  if (states.some(({ held }) => held)) return 'held'
  return states.some(({ waits }) => waits) ? 'backlogged' : 'retrying'
}

/** A reference leads to a body record, which is counted. */
function isEntry(fields: StoredFields): boolean {
  return !(fields.has('m') && fields.has('s'))
}

function quarantinedFields(fields: StoredFields): StoredFields {
  return new Map(
    [...fields].filter(([name]) => name.startsWith('e:')).map(([name, value]) => [name.slice(2), value] as const),
  )
}

function withState(state: StoredState, page: readonly StoredFields[]): StoredMessage[] {
  return page.map((fields) => ({ state, fields }))
}
