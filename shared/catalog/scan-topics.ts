/** The topics of all accounts and regions: for operators. The lists by account and region name those of one only. */

import { type Redis, redisCall } from '#shared/redis'

/** Keys looked at in one step of a scan: about a millisecond of Redis's time. */
const SCAN_COUNT = 1_000

/**
 * Looks at every key of the server. What a name leads to, if anything, `readTopic` says.
 *
 * @returns ARNs, in no order
 * @throws {RedisUnavailableError} when Redis does not answer
 */
export async function* scanTopicArns(redis: Redis): AsyncGenerator<string[]> {
  let cursor = '0'
  do {
    const at = cursor
    const [next, found] = await redisCall(redis, () =>
      redis.scan(at, 'MATCH', 'sealcast:{t:*}:topic', 'COUNT', SCAN_COUNT),
    )
    const arns = [...new Set(found)].map((key) => /^sealcast:\{t:([^{}]+)\}:topic$/.exec(key)?.[1])
    yield arns.filter((arn) => arn !== undefined)
    cursor = next
  } while (cursor !== '0')
}
