/** The topics of all accounts and regions: for operators. The lists by account and region name those of one only. */

import { type Redis, scanKeys } from '#shared/redis'

/**
 * Looks at every key of the server. What a name leads to, if anything, `readTopic` says.
 *
 * @returns ARNs, in no order
 * @throws {RedisUnavailableError} when Redis does not answer
 */
export async function* scanTopicArns(redis: Redis): AsyncGenerator<string[]> {
  for await (const found of scanKeys(redis, 'sealcast:{t:*}:topic')) {
    const arns = found.map((key) => /^sealcast:\{t:(arn:[\w:.-]{1,512})\}:topic$/.exec(key)?.[1])
    yield arns.filter((arn) => arn !== undefined)
  }
}
