/** `sealcast keys`: what each KMS key still protects, and how to have another protect it. */

import type { Command } from 'commander'
import type { KeysConfig } from '../config.ts'
import { describeFailures, describeKeys, describeRewrap } from '../keys/describe-keys.ts'
import { RewrapIncompleteError, RewrapRefusedError } from '../keys/errors.ts'
import { judgeKey } from '../keys/judge-key.ts'
import { type KeyUsage, readKeyUsage } from '../keys/key-usage.ts'
import { rewrapDataKeys } from '../keys/rewrap-data-keys.ts'
import { sweepRewraps } from '../keys/sweep-rewraps.ts'
import { type Deployment, withDeployment } from '../keys/with-deployment.ts'

interface Output {
  readConfig: () => KeysConfig
  writeOutput: (text: string) => void
  /** Progress and warnings. */
  writeError: (text: string) => void
}

/** Between two lines of progress. */
const PROGRESS_PAUSE_MS = 1_000

export function addKeysCommand(program: Command, o: Output): void {
  const keys = program
    .command('keys')
    .description('KMS keys that stored messages still need, and which can be disabled safely.')
    .option('--json', 'print JSON')
  keys.action(async ({ json }: { json?: true }) => {
    o.writeError('Looking at topics, data keys and messages; this takes 8 seconds at least.\n')
    await withDeployment(o.readConfig(), { warn: warnTo(o) }, (deployment) => listKeys(deployment, o, { json }))
  })
  keys
    .command('rewrap')
    .description('Re-encrypt each data key that waiting messages need under another KMS key.')
    .requiredOption('--from <key>', 'KMS key to be retired: id, ARN, alias or alias ARN')
    .requiredOption('--to <key>', 'KMS key that takes its place')
    .option('--json', 'print JSON')
    .action(async (_: unknown, command: Command) => {
      // The parser gives --json to whichever of the two commands it meets first.
      const { from, to, json } = command.optsWithGlobals<{ from: string; to: string; json?: true }>()
      await withDeployment(o.readConfig(), { warn: warnTo(o) }, (deployment) =>
        rewrap(deployment, o, { from, to, json }),
      )
    })
}

async function listKeys(deployment: Deployment, o: Output, { json }: { json?: true | undefined }): Promise<void> {
  const startedAt = deployment.clock.now()
  const { report, index } = await readKeyUsage(deployment)
  const removed = await sweepRewraps({ ...deployment, index, startedAt })
  if (removed > 0) o.writeError(`Removed ${removed} records of rewrapped data keys that nothing needs any more.\n`)
  const now = deployment.clock.now()
  const objectionsTo = (usage: KeyUsage) => judgeKey(usage, { unresolved: report.unresolved, now })
  if (!json) return o.writeOutput(describeKeys(report, { now, objectionsTo }))
  const judged = report.keys.map((usage) => {
    const objections = objectionsTo(usage)
    return { ...usage, safe: objections.length === 0, objections }
  })
  o.writeOutput(`${JSON.stringify({ at: now, ...report, keys: judged })}\n`)
}

async function rewrap(
  deployment: Deployment,
  o: Output,
  { from, to, json }: { from: string; to: string; json: true | undefined },
): Promise<void> {
  const { clock } = deployment
  const startedAt = clock.now()
  const { fromKeyArn, toKeyArn } = await findKeys(deployment, { from, to })
  let reportedAt = startedAt
  const { summary, index } = await rewrapDataKeys({
    ...deployment,
    fromKeyArn,
    toKeyArn,
    onProgress(done, of) {
      if (clock.now() - reportedAt < PROGRESS_PAUSE_MS) return
      reportedAt = clock.now()
      o.writeError(`${done} of ${of} data keys rewrapped\n`)
    },
  })
  await sweepRewraps({ ...deployment, index, startedAt })
  const failed = Object.fromEntries(summary.failed)
  o.writeOutput(
    json
      ? `${JSON.stringify({ from: fromKeyArn, to: toKeyArn, ...summary, failed })}\n`
      : describeRewrap(summary, toKeyArn),
  )
  if (summary.failed.size > 0) {
    throw new RewrapIncompleteError(
      `Some data keys still stand under ${fromKeyArn}: ${describeFailures(summary.failed)}. Run the same command again`,
    )
  }
}

/** @throws {RewrapRefusedError} when they are one key, or not both usable */
async function findKeys(
  { describeKey }: Deployment,
  { from, to }: { from: string; to: string },
): Promise<{ fromKeyArn: string; toKeyArn: string }> {
  const [source, target] = [await describeKey(from), await describeKey(to)]
  if (source.keyArn === target.keyArn) {
    throw new RewrapRefusedError(`Cannot rewrap: ${from} and ${to} are the same key, ${source.keyArn}`)
  }
  if (regionOf(source.keyArn) !== regionOf(target.keyArn)) {
    throw new RewrapRefusedError('Cannot rewrap: the keys are in different regions, and KMS re-encrypts within one')
  }
  for (const { keyArn, state } of [source, target]) {
    if (state !== 'Enabled') throw new RewrapRefusedError(`Cannot rewrap: ${keyArn} is ${state}; enable it first`)
  }
  return { fromKeyArn: source.keyArn, toKeyArn: target.keyArn }
}

function regionOf(arn: string): string {
  return arn.split(':')[3] ?? ''
}

function warnTo({ writeError }: Output): (text: string) => void {
  const told = new Set<string>()
  return (text) => {
    if (told.has(text)) return
    told.add(text)
    writeError(`sealcast: ${text}\n`)
  }
}
