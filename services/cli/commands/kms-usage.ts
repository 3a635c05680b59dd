/** `sealcast kms-usage`: what KMS was asked, from the ledger, added up by whom or what it is to be charged to. */

import { type Command, Option } from 'commander'
import type { Clock } from '#shared/clock'
import { KMS_PRICES } from '#shared/kms-estimate'
import { monthOf } from '#shared/kms-ledger'
import type { KmsCallsConfig } from '../config.ts'
import { describeUsage } from '../kms-usage/describe-usage.ts'
import { parseSince } from '../kms-usage/parse-since.ts'
import { readUsage } from '../kms-usage/read-usage.ts'
import { GROUPINGS, type Grouping, sumUsage } from '../kms-usage/sum-usage.ts'
import { withRedis } from '../with-redis.ts'

interface UsageOptions {
  by: Grouping
  since?: string
  json?: true
}

export function addKmsUsageCommand(
  program: Command,
  o: { readConfig: () => KmsCallsConfig; clock: Clock; writeOutput: (text: string) => void },
): void {
  const usage = program
    .command('kms-usage')
    .description('KMS requests by topic, publisher, KMS key or purpose, with share, prediction and cost.')
    .addOption(new Option('--by <what>', 'what the lines are of').choices(GROUPINGS).default('topic'))
    .option(
      '--since <when>',
      'a date, an ISO time (UTC unless it says) or a span such as 24h, 7d; this month unless told',
    )
    .option('--json', 'print JSON')
  usage.action(async ({ by, since: text, json }: UsageOptions) => {
    const now = o.clock.now()
    const asked = text === undefined ? undefined : parseSince(text, { now })
    if (text !== undefined && asked === undefined) {
      return usage.error("error: option '--since <when>' must be past and like 2026-11-01, 2026-11-01T08:30Z or 24h")
    }
    const { redisUrl, reuseMs } = o.readConfig()
    const { since, pages } = await withRedis(redisUrl, (redis) =>
      readUsage({ redis, asked: asked ?? Date.parse(monthOf(now)) }),
    )
    const sums = sumUsage(pages, { by, since, reuseMs })
    o.writeOutput(
      json
        ? `${JSON.stringify({
            by,
            since: new Date(since).toISOString(),
            askedSince: asked === undefined ? null : new Date(asked).toISOString(),
            until: new Date(now).toISOString(),
            reuseSeconds: reuseMs / 1000,
            ...sums,
            cost: { ...sums.cost, pricesOf: KMS_PRICES.asOf },
          })}\n`
        : describeUsage(sums, { by, asked, since, now, reuseMs }),
    )
  })
}
