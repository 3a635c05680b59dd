/** Reads ledgers back: for reports, never on a message's path. */

import { pipelineReplies, type Redis, redisCall, scanKeys } from '#shared/redis'
import {
  type LedgerName,
  type LedgerPage,
  ledgerKey,
  ledgerKeyPattern,
  parseLedger,
  parseLedgerKey,
} from './ledger-hash.ts'
import { pairCallsOf } from './pair-calls.ts'
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
export async function readKmsLedger(o: LedgerName & { redis: Redis }): Promise<PairCalls[]> {
  return pairCallsOf(await readLedgerPage(o))
}

/**
 * All that the ledger of a topic and month knows: by KMS key, and by hour or day.
 *
 * @throws {RedisUnavailableError}
 */
export async function readLedgerPage({ redis, ...name }: LedgerName & { redis: Redis }): Promise<LedgerPage> {
  const read = () => pipelineReplies(redis.pipeline().hgetall(ledgerKey(name)).exec(), { skipForeignData: true })
  const [fields] = await redisCall(redis, read)
  return parseLedger((fields ?? {}) as Record<string, string>, name)
}
