/**
 * Turns what ioredis rejects with into what it means for data. Pure.
 *
 * How ioredis 6 tells (read in its source, and proved by redis-call.integration-test.ts):
 *
 * | situation | rejection |
 * |---|---|
 * | not connected, offline queue off | Error `Stream isn't writeable and enableOfflineQueue options is false`; nothing was written |
 * | connection lost with the command in flight | MaxRetriesPerRequestError, because maxRetriesPerRequest is 0 |
 * | the same inside a pipeline of which some replies came | AbortError |
 * | closed by us with the command in flight | Error `Connection is closed.` |
 * | no reply within commandTimeout | Error `Command timed out`; the command was written |
 * | protocol error, TLS or socket failure | ParserError, or an error with a `code` such as ECONNRESET |
 * | Redis answered with an error | ReplyError, its text beginning with a code |
 */

import { BrokerError } from '#shared/errors'
import {
  RedisAuthenticationError,
  RedisForeignDataError,
  RedisOutcomeUnknownError,
  RedisRefusedError,
  RedisReplyError,
  RedisUnavailableError,
} from './errors.ts'

/** Answers that mean: this server does not do it now, and has done nothing. */
const REFUSALS: ReadonlySet<string> = new Set([
  'OOM',
  'MISCONF',
  'READONLY',
  'LOADING',
  'BUSY',
  'NOREPLICAS',
  'MASTERDOWN',
  'CLUSTERDOWN',
  'TRYAGAIN',
  'MOVED',
  'ASK',
])

/** What only somebody else's writing brings about: every key of ours keeps its type and its group for ever. */
const FOREIGN_DATA: ReadonlySet<string> = new Set(['WRONGTYPE', 'NOGROUP'])

const AUTHENTICATION_FAILURES: ReadonlySet<string> = new Set(['NOAUTH', 'WRONGPASS', 'NOPERM'])

/** @param writes whether the command may have changed data */
export function classifyError(error: unknown, { writes }: { writes: boolean }): unknown {
  if (error instanceof BrokerError || !(error instanceof Error)) return error
  if (error.name === 'ReplyError') return replyError(error.message)
  if (error.message.startsWith("Stream isn't writeable")) return new RedisUnavailableError('not connected')
  const loss = lossOf(error)
  if (loss !== undefined) return writes ? new RedisOutcomeUnknownError(loss) : new RedisUnavailableError(loss)
  // Whatever else the driver attached a command to must not leave with it; a plain TypeError of the caller's is his.
  return 'command' in error ? new RedisReplyError('UNKNOWN', error.name) : error
}

/** For errors of the connection itself, outside any call. */
export function connectionError(error: unknown): BrokerError {
  const classified = classifyError(error, { writes: false })
  if (classified instanceof BrokerError) return classified
  return new RedisUnavailableError(classified instanceof Error ? classified.message : 'unknown failure')
}

function lossOf(error: Error): string | undefined {
  if (error.message === 'Command timed out') return 'no reply within the time allowed'
  if (error.name === 'MaxRetriesPerRequestError' || error.name === 'AbortError') return 'the connection was lost'
  if (error.message === 'Connection is closed.') return 'the connection was closed'
  if (error.name === 'ParserError') return 'the reply could not be read'
  if (error.message.startsWith('Socket timeout.')) return 'the server is silent'
  if ('syscall' in error && 'code' in error && typeof error.code === 'string') return error.code
  return undefined
}

function replyError(text: string): BrokerError {
  const replyCode = /^[A-Z]+/.exec(text)?.[0] ?? 'ERR'
  if (REFUSALS.has(replyCode)) return new RedisRefusedError(replyCode)
  if (AUTHENTICATION_FAILURES.has(replyCode)) return new RedisAuthenticationError(replyCode)
  if (FOREIGN_DATA.has(replyCode)) return new RedisForeignDataError(replyCode)
  // `unknown command 'x', with args beginning with: …` is the one answer that quotes arguments.
  return new RedisReplyError(replyCode, text.replace(/, with args beginning with.*$/s, ''))
}
