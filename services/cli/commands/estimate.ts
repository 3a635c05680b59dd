/** `sealcast estimate`: how many KMS requests to expect, from flags, a file or the live catalog and ledger. */

import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { createCatalog } from '#shared/catalog'
import type { Clock } from '#shared/clock'
import { costOf, estimateRequests, KMS_PRICES } from '#shared/kms-estimate'
import { monthOf } from '#shared/kms-ledger'
import { createRecordMac } from '#shared/record-mac'
import { readRecordSecrets } from '#shared/secrets'
import type { LiveEstimateConfig } from '../config.ts'
import { describeEstimate } from '../estimate/describe-estimate.ts'
import { parsePlan } from '../estimate/plan.ts'
import { readLiveTopics } from '../estimate/read-live-topics.ts'
import { withRedis } from '../with-redis.ts'

interface Surroundings {
  readConfig: () => LiveEstimateConfig
  readStandardInput: () => Promise<string>
  clock: Clock
  writeOutput: (text: string) => void
  writeError: (text: string) => void
}

interface Flags {
  days?: number
  publishers?: number[]
  file?: string
  live?: true
  reuseSeconds?: number
  gateways?: number
  region?: string
  json?: true
}

interface Plan {
  topics: { name: string; publishers: number }[]
  days?: number | undefined
  reuseSeconds?: number | undefined
  gateways?: number | undefined
  region?: string | undefined
}

const DEFAULTS = { days: 31, reuseSeconds: 300, gateways: 1, region: 'us-east-1' }

export function addEstimateCommand(program: Command, o: Surroundings): void {
  const estimate = program
    .command('estimate')
    .description('KMS requests to expect: R = B / D × (2 × P). The last line is the total in plain digits.')
  const whole =
    (name: string, max: number, min = 1) =>
    (text: string) => {
      const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
      if (value >= min && value <= max) return value
      return estimate.error(`error: ${name} must be a whole number from ${min} to ${max}`)
    }
  estimate
    .option('--days <days>', `the span, B (default: ${DEFAULTS.days})`, whole('--days', 3_660))
    .option('--publishers <counts>', 'publishers of each topic, like 3,5', (text: string) =>
      text.split(',').map(whole('each count of --publishers', 1_000_000, 0)),
    )
    .option('--file <path>', 'a plan as JSON: {"topics": [{"name": "orders", "publishers": 3}]}; - for standard input')
    .option('--live', "the sealed topics as they are, with this month's publishers")
    .option(
      '--reuse-seconds <seconds>',
      `reuse period of data keys, D (default: ${DEFAULTS.reuseSeconds})`,
      whole('--reuse-seconds', 300),
    )
    .option(
      '--gateways <count>',
      'gateways that share each publisher: (g + 1) × P instead of 2 × P',
      whole('--gateways', 1_000),
    )
    .option('--region <region>', `whose prices (known: ${Object.keys(KMS_PRICES.usdPer10000Requests).join(', ')})`)
    .option('--json', 'print JSON')
  estimate.action(async (flags: Flags) => {
    const sources = [flags.publishers, flags.file, flags.live].filter((source) => source !== undefined)
    if (sources.length !== 1) return estimate.error('error: one of --publishers, --file and --live says who publishes')
    const plan = await readPlan(flags, o)
    const settled = {
      days: flags.days ?? plan.days ?? DEFAULTS.days,
      reuseSeconds: flags.reuseSeconds ?? plan.reuseSeconds ?? DEFAULTS.reuseSeconds,
      gateways: flags.gateways ?? plan.gateways ?? DEFAULTS.gateways,
      region: flags.region ?? plan.region ?? DEFAULTS.region,
    }
    const result = estimateRequests({ ...settled, seconds: settled.days * 86_400, topics: plan.topics })
    const cost = costOf({ ...settled, requests: result.requests })
    o.writeOutput(
      flags.json
        ? `${JSON.stringify({ ...settled, ...result, cost: cost && { ...cost, pricesOf: KMS_PRICES.asOf } })}\n`
        : describeEstimate(result, { ...settled, cost }),
    )
  })
}

async function readPlan({ publishers, file }: Flags, o: Surroundings): Promise<Plan> {
  if (publishers !== undefined) {
    return { topics: publishers.map((count, at) => ({ name: `topic ${at + 1}`, publishers: count })) }
  }
  if (file !== undefined) return parsePlan(file === '-' ? await o.readStandardInput() : await readFile(file, 'utf8'))
  const { redisUrl, secretsDir, reuseSeconds } = o.readConfig()
  const recordMac = createRecordMac(await readRecordSecrets(secretsDir))
  const topics = await withRedis(redisUrl, (redis) => {
    const catalog = createCatalog({
      redis,
      recordMac,
      onForged: ({ kind }) => o.writeError(`A forged ${kind} record is left out.\n`),
    })
    return readLiveTopics({ redis, catalog, month: monthOf(o.clock.now()) })
  })
  return { topics, reuseSeconds }
}
