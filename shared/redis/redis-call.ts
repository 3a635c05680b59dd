/**
 * Runs one command and says what a failure means: never sent, sent with unknown outcome, or refused.
 *
 * A gateway that answers "try again" to a publish that Redis may have stored must say so, and a worker
 * that lost a claim's reply must reread; both need the difference. The connection is looked at in the
 * same tick as the command is written, so that "not ready" proves that nothing left this process.
 */

import type { Redis } from 'ioredis'
import { classifyError } from './classify-error.ts'
import { RedisForeignDataError, RedisUnavailableError } from './errors.ts'
import { onReplicas } from './require-replicas.ts'

/**
 * @param work sends ONE command, script or pipeline: with two, "not sent" would speak of the second alone
 * @param writes whether it may change data; false unless told
 * @throws {RedisUnavailableError} nothing was sent, or a read got no reply
 * @throws {RedisOutcomeUnknownError} a write was sent and got no reply
 * @throws {RedisUnderReplicatedError} a write was stored, but not on the replicas that `requireReplicas` asks for
 * @throws {RedisRefusedError} Redis answered that it does not do it now; nothing was stored
 * @throws {RedisForeignDataError} the key is not as any of us left it
 * @throws {RedisReplyError} any other answer: a fault of ours
 */
export async function redisCall<T>(
  redis: Redis,
  work: () => Promise<T>,
  { writes = false }: { writes?: boolean } = {},
): Promise<T> {
  if (redis.status !== 'ready') throw new RedisUnavailableError('not connected')
  let reply: T
  try {
    reply = await work()
  } catch (error) {
    throw classifyError(error, { writes })
  }
  if (writes) await onReplicas(redis)
  return reply
}

/**
 * The replies of a pipeline, in order. A pipeline resolves even when its commands failed; this throws
 * the first error, so that `redisCall` sees it.
 *
 * @param skipForeignData gives null where a key is not as we left it, so that it does not fail the other commands
 */
export async function pipelineReplies(
  executed: Promise<[error: Error | null, reply: unknown][] | null>,
  { skipForeignData = false }: { skipForeignData?: boolean } = {},
): Promise<unknown[]> {
  const results = (await executed) ?? []
  return results.map(([error, reply]) => {
    if (error === null) return reply
    if (skipForeignData && classifyError(error, { writes: false }) instanceof RedisForeignDataError) return null
    throw error
  })
}
