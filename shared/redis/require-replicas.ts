/**
 * Acknowledged only when it is on replicas too: after its reply a write waits for Redis's WAIT.
 *
 * WAIT speaks of everything its own connection did before, and blocks that connection until enough
 * replicas have answered. So there is one at a time, for all writes that were answered since the one
 * before was sent (a group commit): with one for each write, all others would queue behind it. It is sent
 * after the reply, not with the command: a script that the server had forgotten is sent again, and would
 * come after its own WAIT. And on the very connection that brought the reply: after a fail-over the next
 * one leads to another server, whose replicas know nothing of what was lost.
 *
 * Measured (loadtest/loss-windows/README.md): what it costs in publishes a second.
 */

import type { Redis } from 'ioredis'
import { RedisOutcomeUnknownError, RedisUnderReplicatedError } from './errors.ts'

export interface ReplicaRequirement {
  /** 0: none. */
  replicas: number
  /** Below the connection's command timeout: other commands stand behind a WAIT for so long. */
  timeoutMs: number
}

/** From now on `redisCall` with `writes` returns only when so many replicas have it. */
export function requireReplicas(redis: Redis, { replicas, timeoutMs }: ReplicaRequirement): void {
  if (replicas < 1) return
  let stream: unknown
  let join: () => Promise<void> = refuse
  requirements.set(redis, () => {
    if (redis.stream !== stream) {
      stream = redis.stream
      join = groupCommit(() => waitFor(redis, { stream, replicas, timeoutMs }))
    }
    return join()
  })
}

/**
 * To be called in the turn in which the reply to a write came.
 *
 * @returns undefined when this connection requires no replicas
 * @throws (rejects) {RedisUnderReplicatedError} stored here, too few replicas answered in time
 * @throws (rejects) {RedisOutcomeUnknownError} the connection was lost while waiting
 */
export function onReplicas(redis: Redis): Promise<void> | undefined {
  return requirements.get(redis)?.()
}

/** @returns how many replicas are in step with this server, by its own account */
export async function countReplicas(redis: Redis): Promise<number> {
  const text = await redis.info('replication')
  return [...text.matchAll(/^slave\d+:.*state=online/gm)].length
}

const requirements = new WeakMap<Redis, () => Promise<void>>()

async function refuse(): Promise<never> {
  throw new RedisOutcomeUnknownError('the connection was lost before replicas were asked')
}

/** @returns a function that joins the next commit; `commit` runs once at a time, in another turn than its first joiner */
function groupCommit(commit: () => Promise<void>): () => Promise<void> {
  let underWay: Promise<void> | undefined
  let gathering: Promise<void> | undefined
  const run = async () => {
    // Whoever gets its reply from the same packet joins.
    await Promise.allSettled([underWay, new Promise((resolve) => setImmediate(resolve))])
    gathering = undefined
    underWay = commit()
    await underWay
  }
  return () => {
    gathering ??= run()
    return gathering
  }
}

async function waitFor(redis: Redis, o: ReplicaRequirement & { stream: unknown }): Promise<void> {
  if (redis.stream !== o.stream || redis.status !== 'ready') return refuse()
  let answered: unknown
  try {
    answered = await redis.call('WAIT', o.replicas, o.timeoutMs)
  } catch {
    // Also UNBLOCKED: the server has become a replica of another meanwhile.
    throw new RedisOutcomeUnknownError('the connection was lost while replicas were waited for')
  }
  if (Number(answered) < o.replicas) {
    throw new RedisUnderReplicatedError({ required: o.replicas, answered: Number(answered) })
  }
}
