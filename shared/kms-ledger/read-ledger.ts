/** Reads ledgers back: for reports, never on a message's path. */

import { pipelineReplies, type Redis, redisCall } from '#shared/redis'
import { type LedgerName, ledgerKey, ledgerKeyPattern, parseLedger, parseLedgerKey } from './ledger-hash.ts'
import type { PairCalls } from './usage.ts'

/** Keys looked at in one step of a scan: about a millisecond of Redis's time. */
const SCAN_COUNT = 1_000

/**
 * Which topics have a ledger, by ARN and month; topics that are deleted too.
 *
 * Looks at every key of the server it is connected to.
 *
 * @throws {RedisUnavailableError}
 */
export async function findKmsLedgers({ redis, month }: { redis: Redis; month?: string }): Promise<LedgerName[]> {
  const found = new Map<string, LedgerName>()
  let cursor = '0'
  do {
    const at = cursor
    const [next, keys] = await redisCall(redis, () =>
      redis.scan(at, 'MATCH', ledgerKeyPattern(month), 'COUNT', SCAN_COUNT),
    )
    for (const key of keys) {
      const name = parseLedgerKey(key)
      if (name !== undefined) found.set(key, name)
    }
    cursor = next
  } while (cursor !== '0')
  const order = ({ topicArn, month }: LedgerName) => `${topicArn}\n${month}`
  return [...found.values()].sort((a, b) => (order(a) < order(b) ? -1 : 1))
}

/**
 * @returns one for each publisher, by ARN; none when the topic has no ledger of that month
 * @throws {RedisUnavailableError}
 */
export async function readKmsLedger({ redis, ...name }: LedgerName & { redis: Redis }): Promise<PairCalls[]> {
  const read = () => pipelineReplies(redis.pipeline().hgetall(ledgerKey(name)).exec(), { skipForeignData: true })
  const [fields] = await redisCall(redis, read)
  return parseLedger((fields ?? {}) as Record<string, string>)
}
