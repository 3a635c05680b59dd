/** Reads ledgers back: for reports, never on a message's path. */

import { pipelineReplies, type Redis, redisCall, scanKeys } from '#shared/redis'
import { type LedgerName, ledgerKey, ledgerKeyPattern, parseLedger, parseLedgerKey } from './ledger-hash.ts'
import type { PairCalls } from './usage.ts'

/**
 * Which topics have a ledger, by ARN and month; topics that are deleted too.
 *
 * Looks at every key of the server it is connected to.
 *
 * @throws {RedisUnavailableError}
 */
export async function findKmsLedgers({ redis, month }: { redis: Redis; month?: string }): Promise<LedgerName[]> {
  const found = new Map<string, LedgerName>()
  for await (const keys of scanKeys(redis, ledgerKeyPattern(month))) {
    for (const key of keys) {
      const name = parseLedgerKey(key)
      if (name !== undefined) found.set(key, name)
    }
  }
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
