/**
 * Runs a script on behalf of a lease holder.
 *
 * Every such script compares the holder's token with the stored one before it does anything, in the
 * same atomic step: a holder that was paused for longer than its lease and wakes up can do nothing,
 * however late its command arrives. A check outside the script would leave a gap between the two.
 *
 * The scripts carry the flag `allow-oom`: they take messages out. If a full Redis refused them,
 * nothing would ever become free again.
 */

import { coalesceWrites, type Redis, type RedisScript, redisCall, type ScriptArgument } from '#shared/redis'
import { LeaseLostError } from './errors.ts'
import { keys } from './keys.ts'

export interface Holding {
  redis: Redis
  partition: number
  token: string
}

/**
 * @param script takes the lease as KEYS[1] and the token as ARGV[1]; answers nil when the lease is lost
 * @param onResend as of `RedisScript.run`
 * @throws {LeaseLostError}
 */
export async function runFenced(
  script: RedisScript,
  { redis, partition, token }: Holding,
  moreKeys: readonly string[],
  args: readonly ScriptArgument[],
  onResend?: () => void,
): Promise<unknown> {
  const reply = await redisCall(
    redis,
    () => {
      coalesceWrites(redis)
      return script.run(redis, [keys.leaseKey(partition), ...moreKeys], [token, ...args], onResend)
    },
    { writes: true },
  )
  if (reply === null) throw new LeaseLostError(partition)
  return reply
}
