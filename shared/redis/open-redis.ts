/**
 * Opens a connection to Redis with the settings that every part of this project needs.
 *
 * The driver's defaults are wrong here: its offline queue would hold a publish that was already
 * answered 503 and store it after all, and so would resending after a reconnect. Both are off, and with
 * `maxRetriesPerRequest: 0` commands in flight fail in the moment the connection drops (with resending
 * off and another value they would never settle). Reconnecting goes on for ever.
 *
 * RESP2, since reply shapes of RESP3 (maps) differ between commands and nothing here needs them.
 */

import { Redis } from 'ioredis'
import { connectionError } from './classify-error.ts'
import { RedisAuthenticationError, RedisUnavailableError } from './errors.ts'
import { parseRedisUrl } from './redis-url.ts'

/** Longest pause between two attempts to connect: recovery should not be what a caller waits for. */
const MAX_RECONNECT_DELAY_MS = 500

/** Above the longest block of any command we send (BullMQ waits up to 10 s), so that only a dead peer meets it. */
const BLOCKING_SILENCE_MS = 15_000

/**
 * @param url redis:// or rediss://
 * @param name appears in CLIENT LIST after `sealcast-`; letters, digits, hyphens
 * @param onError called once for each new kind of failure of an outage, with an error that holds no URL, password or command
 * @param commandTimeoutMs after which an unanswered command fails, though it may have been carried out
 * @param blocking for connections that wait inside commands: no command timeout
 * @throws {RedisUrlError}
 */
export function openRedis({
  url,
  name,
  onError,
  commandTimeoutMs = 3000,
  blocking = false,
}: {
  url: string
  name: string
  onError?: ((error: Error) => void) | undefined
  commandTimeoutMs?: number
  blocking?: boolean
}): Redis {
  const { tls, ...address } = parseRedisUrl(url)
  const redis = new Redis({
    ...address,
    ...(tls ? { tls: {} } : {}),
    connectionName: `sealcast-${name}`,
    disableClientInfo: true,
    protocol: 2,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(25 * 2 ** Math.min(attempt, 10), MAX_RECONNECT_DELAY_MS),
    maxLoadingRetryTime: MAX_RECONNECT_DELAY_MS,
    connectTimeout: 2000,
    disconnectTimeout: 1000,
    ...(blocking ? {} : { commandTimeout: commandTimeoutMs }),
    // A peer that vanished without a word (a pulled cable, a failed-over host) leaves the socket open for
    // minutes. After this silence with commands outstanding it is dropped and dialled anew.
    socketTimeout: blocking ? BLOCKING_SILENCE_MS : commandTimeoutMs + 1000,
  })
  let reported: string | undefined
  redis.on('ready', () => {
    reported = undefined
  })
  // A listener must be there in any case: without one the driver prints errors itself.
  redis.on('error', (error: unknown) => {
    const reduced = connectionError(error)
    // Every failed attempt to connect comes here, several in a second.
    if (reduced.message === reported) return
    reported = reduced.message
    onError?.(reduced)
  })
  return redis
}

/**
 * Resolves as soon as commands are accepted.
 *
 * @throws {RedisAuthenticationError} when Redis refuses the URL's credentials: waiting would not help
 * @throws {RedisUnavailableError} when `signal` aborts first or the connection was closed for good
 */
export async function whenReady(redis: Redis, signal?: AbortSignal): Promise<void> {
  if (redis.status === 'ready') return
  if (redis.status === 'end') throw new RedisUnavailableError('the connection was closed')
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: Error) => {
      redis.off('ready', onReady).off('end', onEnd).off('error', onFailure)
      signal?.removeEventListener('abort', onAbort)
      if (error === undefined) resolve()
      else reject(error)
    }
    const onReady = () => settle()
    const onEnd = () => settle(new RedisUnavailableError('the connection was closed'))
    const onAbort = () => settle(new RedisUnavailableError('not connected'))
    const onFailure = (failure: unknown) => {
      const error = connectionError(failure)
      if (error instanceof RedisAuthenticationError) settle(error)
    }
    redis.on('ready', onReady).on('end', onEnd).on('error', onFailure)
    signal?.addEventListener('abort', onAbort)
    if (signal?.aborted) onAbort()
  })
}

/** Closes for good. Commands still in flight fail; whoever closes has waited for the replies it wants. */
export async function closeRedis(redis: Redis): Promise<void> {
  // Between two attempts to connect there is no socket whose end could be waited for.
  const hasSocket = redis.status === 'ready' || redis.status === 'connect' || redis.status === 'connecting'
  // Not events.once: an error on the way to the end would reject it.
  const ended = hasSocket ? new Promise((resolve) => redis.once('end', resolve)) : undefined
  redis.disconnect()
  await ended
}
