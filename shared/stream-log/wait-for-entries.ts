/**
 * Waits until a stream holds an entry after a given id, without taking it.
 *
 * XREAD from that id rather than from `$`: an entry appended between the last claim and this call is
 * then seen at once. In slices, so that a connection to a server that is gone is noticed and so that
 * nothing waits for long on a connection that is to be closed.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { type Redis, RedisUnavailableError, redisCall, whenReady } from '#shared/redis'

const SLICE_MS = 1000

const TOPIC = Buffer.from('topic')
/** More than any entry of ours has. */
const MAX_FIELDS = 64
/** More than any topic's ARN has. */
const MAX_TOPIC_BYTES = 512

/** Between a failure and the next attempt: enough for the connection to notice its own end. */
const PAUSE_MS = 50

/**
 * @param redis a connection of its own, opened with `blocking`
 * @param afterId read again before every slice
 * @returns when an entry is there or `signal` is aborted, whichever comes first; with the topic that the entry names,
 *   which nothing vouches for: it is good for asking ahead
 * @throws {RedisAuthenticationError} {@link RedisRefusedError} when waiting longer would not help
 */
export async function waitForEntries({
  redis,
  stream,
  afterId,
  signal,
}: {
  redis: Redis
  stream: string
  afterId: () => string
  signal: AbortSignal
}): Promise<string | undefined> {
  await reconnected(redis, signal)
  while (!signal.aborted) {
    try {
      const next = await unlessAborted(readSlice(redis, stream, afterId()), signal)
      if (next !== undefined) return topicOf(next)
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error
      await delay(PAUSE_MS)
      await reconnected(redis, signal)
    }
  }
  return undefined
}

/** The slice's answer, or undefined as soon as the signal aborts; the slice then goes on alone for a second at most. */
async function unlessAborted<T>(slice: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const { promise: aborted, resolve } = Promise.withResolvers<undefined>()
  const onAbort = () => resolve(undefined)
  signal.addEventListener('abort', onAbort)
  try {
    return await Promise.race([slice, aborted])
  } finally {
    // The signal lives as long as the process, and this is called for ever.
    signal.removeEventListener('abort', onAbort)
  }
}

/** @returns names and values in turn; undefined when no entry came */
async function readSlice(redis: Redis, stream: string, afterId: string): Promise<readonly unknown[] | undefined> {
  const reply = await redisCall(redis, () =>
    redis.xreadBuffer('COUNT', 1, 'BLOCK', SLICE_MS, 'STREAMS', stream, afterId),
  )
  if (reply === null) return undefined
  const [, entries] = reply[0] ?? []
  const [, fields] = entries?.[0] ?? []
  return fields ?? []
}

/** Looks no further than to where an entry of ours has it: one of somebody else's may have a million fields. */
function topicOf(fields: readonly unknown[]): string | undefined {
  for (let at = 0; at + 1 < Math.min(fields.length, 2 * MAX_FIELDS); at += 2) {
    const [name, value] = [fields[at], fields[at + 1]]
    if (!Buffer.isBuffer(name) || !Buffer.isBuffer(value) || !name.equals(TOPIC)) continue
    return value.length > MAX_TOPIC_BYTES ? undefined : value.toString()
  }
  return undefined
}

async function reconnected(redis: Redis, signal: AbortSignal): Promise<void> {
  try {
    await whenReady(redis, signal)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
