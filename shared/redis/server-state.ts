/**
 * How a server of Redis is, by its own account: memory, persistence, clients, replicas. For metrics; touches no key.
 *
 * INFO alone tells nearly all of it. Whether snapshots are wanted at all is a setting: a server without any reports
 * the last one as good for ever, and one whose only snapshot was made by hand, and failed, would be sick for ever.
 */

import type { Redis } from 'ioredis'
import { RedisAuthenticationError, RedisReplyError } from './errors.ts'
import { redisCall } from './redis-call.ts'

export interface RedisServerState {
  memoryUsedBytes: number
  /** 0: no limit. */
  memoryMaxBytes: number
  aofEnabled: boolean
  /** The last write to the AOF, if there is one, and the last snapshot, if any are made, succeeded. */
  persistenceOk: boolean
  /** Connections of clients, this one included. */
  clients: number
  /** Replicas in step with it. */
  replicas: number
  /** Since it was started. */
  commandsProcessed: number
}

/**
 * @throws {RedisUnavailableError} when Redis does not answer
 * @throws {RedisAuthenticationError} when its user may not ask
 */
export async function readServerState(redis: Redis): Promise<RedisServerState> {
  const [info, snapshots] = await Promise.all([redisCall(redis, () => redis.info()), makesSnapshots(redis)])
  return parseServerState(info, { makesSnapshots: snapshots })
}

/** Whether Redis makes snapshots by itself. Where its user may not ask, they count. */
async function makesSnapshots(redis: Redis): Promise<boolean> {
  try {
    const reply = await redisCall(redis, () => redis.config('GET', 'save'))
    return !(Array.isArray(reply) && reply[1] === '')
  } catch (error) {
    if (error instanceof RedisAuthenticationError || error instanceof RedisReplyError) return true
    throw error
  }
}

/** @param info what INFO answers; what it leaves out counts as 0 */
export function parseServerState(info: string, o: { makesSnapshots: boolean }): RedisServerState {
  const fields = new Map([...info.matchAll(/^(\w+):([^\r\n]*)/gm)].map(([, name = '', value = '']) => [name, value]))
  const numberOf = (name: string) => {
    const value = Number(fields.get(name))
    return Number.isFinite(value) ? value : 0
  }
  const aofEnabled = fields.get('aof_enabled') === '1'
  const isWrong = (name: string) => fields.get(name) === 'err'
  return {
    memoryUsedBytes: numberOf('used_memory'),
    memoryMaxBytes: numberOf('maxmemory'),
    aofEnabled,
    persistenceOk:
      !(aofEnabled && isWrong('aof_last_write_status')) && !(o.makesSnapshots && isWrong('rdb_last_bgsave_status')),
    clients: numberOf('connected_clients'),
    replicas: [...info.matchAll(/^slave\d+:.*state=online/gm)].length,
    commandsProcessed: numberOf('total_commands_processed'),
  }
}
