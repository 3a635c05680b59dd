/**
 * Who of a role is alive: each process announces itself for `ttlMs` and, in the same step, reads who else has.
 *
 * By Redis's clock alone, so that processes whose clocks differ agree. One sorted set a role, scored by the end of
 * each announcement; a process that dies without a word is gone when its own runs out.
 *
 * Nothing authenticates a member. Whoever can write to Redis can add some that do not exist or take away those that
 * do, so whoever uses the list must stay right with a wrong one: it may decide who works, never whether. What a
 * list can cost is bounded: ids of one form, at most {@link MAX_MEMBERS} of them, none for longer than ten minutes.
 */

import { randomBytes } from 'node:crypto'
import { defineScript, type Redis, redisCall } from '#shared/redis'

export type MemberRole = 'gateway' | 'delivery'

export interface Membership {
  /** 32 hex digits. */
  readonly id: string
  /**
   * Announces this member for `ttlMs` from now.
   *
   * @returns ids of those alive, this one included, in order
   */
  beat(): Promise<readonly string[]>
  /** Those alive, without announcing this one: it is included only when it has. */
  list(): Promise<readonly string[]>
  /** Takes this member off the list at once; a later `beat` puts it on again. */
  leave(): Promise<void>
}

/** Members believed; of more than that, those announced for longest. Far above any pool that shares one Redis. */
export const MAX_MEMBERS = 1_000

/** No member announces itself for longer, so a longer announcement was made by nobody of ours. */
const MAX_TTL_MS = 600_000

const ID = /^[0-9a-f]{32}$/

const beatScript = defineScript(new URL('./beat.lua', import.meta.url))
const listScript = defineScript(new URL('./list.lua', import.meta.url))

/**
 * @param ttlMs 1..600,000; beat at least three times as often
 * @param id one of its own for each process, and for each start of it: random unless given
 * @param onForeign the set had been replaced by a key of another type, which was removed
 * @throws {RedisUnavailableError} (each method) when Redis does not answer
 */
export function createMembership({
  redis,
  role,
  ttlMs,
  id = randomBytes(16).toString('hex'),
  onForeign = () => undefined,
}: {
  redis: Redis
  role: MemberRole
  ttlMs: number
  id?: string
  onForeign?: () => void
}): Membership {
  if (!(ttlMs >= 1 && ttlMs <= MAX_TTL_MS)) {
    throw new RangeError(`Cannot announce a member: ttlMs must be 1..${MAX_TTL_MS}, current value is ${ttlMs}`)
  }
  if (!ID.test(id)) throw new RangeError('Cannot announce a member: its id must be 32 hex digits')
  const key = `sealcast:members:${role}`
  // None of these counts as a write to `redisCall`: repeated or lost, they leave nothing that does not run out by itself.
  const call = (work: () => Promise<unknown>) => redisCall(redis, work)
  return {
    id,
    async beat() {
      const reply = await call(() => beatScript.run(redis, [key], [id, ttlMs, MAX_TTL_MS, MAX_MEMBERS]))
      const [members, foreign]: unknown[] = Array.isArray(reply) ? reply : []
      if (foreign === 1) onForeign()
      // Crowded out of those believed, it is alive all the same.
      return [...new Set([...readIds(members), id])].toSorted()
    },
    async list() {
      return readIds(await call(() => listScript.run(redis, [key], [MAX_TTL_MS, MAX_MEMBERS]))).toSorted()
    },
    async leave() {
      await call(() => redis.zrem(key, id))
    },
  }
}

function readIds(reply: unknown): string[] {
  return (Array.isArray(reply) ? reply : []).map(String).filter((id) => ID.test(id))
}
