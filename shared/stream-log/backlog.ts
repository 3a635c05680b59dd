/**
 * The backlog of a subscription: messages that wait until its endpoint has room for them.
 *
 * A stream of references, oldest first; the body lies in the message's body record. Nothing authenticates
 * a reference: one that somebody made up leads to a body record that verifies, or to nothing. There is no
 * consumer group: only the lease holder reads it, and what it has under way it knows.
 */

import { defineScript, type Redis, redisCall } from '#shared/redis'
import { readClaimedEntries } from './claimed-entry.ts'
import { type Holding, runFenced } from './fenced.ts'
import { keys } from './keys.ts'
import { checkLimit } from './limit.ts'

export interface BacklogReference {
  /** `<ms>-<sequence>`, given by Redis when the message joined the backlog. */
  backlogId: string
  /** Empty when somebody wrote a reference without one. */
  messageId: string
}

const leaveScript = defineScript(new URL('./leave-backlog.lua', import.meta.url))

/** No body record of ours has another name. */
const MESSAGE_ID = /^[\w-]{1,64}$/

/** No subscription of ours has another name. */
const SUBSCRIPTION_ID = /^[\w-]{1,64}$/

/** @returns ids of the subscriptions that have one, in no order */
export async function listBacklogs(redis: Redis, partition: number): Promise<string[]> {
  const members = await redisCall(redis, () => redis.smembers(keys.backlogsKey(partition)))
  return members.filter((id) => SUBSCRIPTION_ID.test(id))
}

/** @param afterBacklogId `0` to begin */
export async function readBacklog(
  redis: Redis,
  {
    partition,
    subscriptionId,
    afterBacklogId,
    limit,
  }: {
    partition: number
    subscriptionId: string
    afterBacklogId: string
    limit: number
  },
): Promise<BacklogReference[]> {
  checkLimit('read', limit)
  const key = keys.backlogKey(partition, subscriptionId)
  const reply = await redisCall(redis, () => redis.xrangeBuffer(key, `(${afterBacklogId}`, '+', 'COUNT', limit))
  return readClaimedEntries(reply).map(({ streamId, fields }) => {
    const messageId = fields.get('m')?.toString('latin1') ?? ''
    return { backlogId: streamId, messageId: MESSAGE_ID.test(messageId) ? messageId : '' }
  })
}

/** @returns how many references are left */
export async function leaveBacklog(
  holding: Holding,
  { subscriptionId, messageId, backlogId, close }: BacklogReference & { subscriptionId: string; close: boolean },
): Promise<number> {
  const { partition } = holding
  const reply = await runFenced(
    leaveScript,
    holding,
    [keys.bodyKey(partition, messageId), keys.backlogsKey(partition), keys.backlogKey(partition, subscriptionId)],
    [subscriptionId, backlogId, close ? 1 : 0],
  )
  return Number(reply)
}
