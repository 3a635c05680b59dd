/**
 * `sealcast preflight`: what would become of a message to a topic, and which statement is missing where it would be refused.
 *
 * | exit code | |
 * |---|---|
 * | 0 | all allowed |
 * | 1 | something would be refused |
 * | 2 | it could not be found out |
 */

import type { Command } from 'commander'
import { createCatalog } from '#shared/catalog'
import { systemClock } from '#shared/clock'
import { createExplainKeyAccess } from '#shared/kms-client'
import { createRecordMac } from '#shared/record-mac'
import { readBrokerCredential, readRecordSecrets } from '#shared/secrets'
import type { PreflightConfig } from '../config.ts'
import { describePreflight } from '../preflight/describe-preflight.ts'
import { PreflightImpossibleError, VerdictError } from '../preflight/errors.ts'
import { findSubject } from '../preflight/find-subject.ts'
import type { Verdict } from '../preflight/report.ts'
import { type PreflightMeans, runPreflight } from '../preflight/run-preflight.ts'
import { withRedis } from '../with-redis.ts'

interface Options {
  topic: string
  publisher?: string
  subscription?: string
  sourceArn?: string
  sourceAccount?: string
  sourceIp?: string
  http?: true
  json?: true
}

const EXIT_CODES: Readonly<Record<Verdict, number>> = { allowed: 0, refused: 1, unknown: 2 }

export function addPreflightCommand(
  program: Command,
  o: { readConfig: () => PreflightConfig; writeOutput: (text: string) => void; writeError: (text: string) => void },
): void {
  program
    .command('preflight')
    .description('Tell what would become of a message, and which statement is missing where it would be refused.')
    .requiredOption('--topic <arn>', 'where it would be published')
    .option('--publisher <arn>', 'user, role, root, or a service by its name; all that may publish unless given')
    .option('--subscription <arn>', 'who would get it; all of the topic unless given')
    .option('--source-arn <arn>', 'for what a service acts')
    .option('--source-account <id>', 'for whom a service acts')
    .option('--source-ip <address>', 'from where it would be published')
    .option('--http', 'as if it were published by plain HTTP')
    .option('--json', 'print JSON')
    .action(async (options: Options) => {
      const exitCode = await lookAhead(options, o)
      if (exitCode !== 0) throw new VerdictError(exitCode)
    })
}

async function lookAhead(options: Options, o: Parameters<typeof addPreflightCommand>[1]): Promise<number> {
  const config = o.readConfig()
  const means = await meansOf(options, config)
  const recordMac = createRecordMac(await readRecordSecrets(config.secretsDir))
  return withRedis(config.redisUrl, async (redis) => {
    const onForged = () => {
      throw new PreflightImpossibleError('Cannot look ahead: a stored record of the topic does not verify')
    }
    const catalog = createCatalog({ redis, recordMac, onForged })
    const subject = await findSubject(options, { catalog, principalsFile: config.principalsFile })
    const report = await runPreflight(subject, means)
    o.writeOutput(options.json ? `${JSON.stringify(report)}\n` : describePreflight(report))
    return EXIT_CODES[report.verdict]
  })
}

async function meansOf(options: Options, { kms, secretsDir, networks }: PreflightConfig): Promise<PreflightMeans> {
  const { sourceArn, sourceAccount, sourceIp } = options
  const circumstances = { now: systemClock.now(), secure: options.http !== true, sourceIp, sourceArn, sourceAccount }
  if (kms.kind === 'aws') return { explain: undefined, circumstances, networks }
  const credential = await readBrokerCredential(secretsDir)
  const explain = createExplainKeyAccess({ endpoint: kms.endpoint, credential, now: systemClock.now })
  return { explain, circumstances, networks }
}
