/** `sealcast kms`: what KMS was asked, for whom and why, from the ledger. */

import type { Command } from 'commander'
import type { Clock } from '#shared/clock'
import { findKmsLedgers, monthOf, type PairUsage, readKmsLedger, usageOf } from '#shared/kms-ledger'
import type { KmsCallsConfig } from '../config.ts'
import { describeKmsCalls } from '../describe-kms-calls.ts'
import { withRedis } from '../with-redis.ts'

interface CallsOptions {
  month?: string
  json?: true
}

export function addKmsCommand(
  program: Command,
  o: { readConfig: () => KmsCallsConfig; clock: Clock; writeOutput: (text: string) => void },
): void {
  const kms = program.command('kms').description('See what KMS is asked.')
  const calls = kms
    .command('calls')
    .description('KMS requests of a month by topic and publisher, beside 2 for each reuse period.')
    .option('--month <yyyy-mm>', 'in UTC; this month unless told')
    .option('--json', 'print JSON')
  calls.action(async ({ month = monthOf(o.clock.now()), json }: CallsOptions) => {
    if (!/^\d{4}-\d{2}$/.test(month)) return calls.error("error: option '--month <yyyy-mm>' must be like 2026-01")
    const { redisUrl, reuseMs } = o.readConfig()
    const usages = await withRedis(redisUrl, async (redis) => {
      const pairs: (PairUsage & { topicArn: string })[] = []
      for (const { topicArn } of await findKmsLedgers({ redis, month })) {
        for (const pair of await readKmsLedger({ redis, topicArn, month })) {
          pairs.push({ topicArn, ...usageOf(pair, { reuseMs }) })
        }
      }
      return pairs
    })
    o.writeOutput(json ? `${JSON.stringify({ month, pairs: usages })}\n` : describeKmsCalls(usages, { month }))
  })
}
