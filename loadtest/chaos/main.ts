/**
 * `npm run chaos`: kills a worker at a hundred seeded points between claim and settlement, then replaces gateways and
 * workers under load. Status 1 when anything is lost, a point is not reached, or publishers meet an error.
 *
 * Four minutes. One line a seed on standard error, the sums on standard output.
 */

import { cpSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type KillRound, startKillStage } from '../../services/test/kill-rounds.ts'
import { trustStack } from '../../services/test/messaging.ts'
import { describeRolling, isPauseShort, runRollingRestart } from '../../services/test/rolling-restart.ts'
import { startStack } from '../../services/test/start-stack.ts'

const HELP = `Usage: npm run chaos [-- --seeds 100 --from 0]

  --seeds   how many points; 0: only the rolling restarts
  --from    the first seed: the same seed kills at the same point
`

const options = { seeds: { type: 'string' }, from: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const

// What a sourced data directory sets must not change what is tested.
for (const name of Object.keys(process.env)) {
  if (/^(AWS_|SEALCAST_|NODE_EXTRA_CA_CERTS$|SSL_CERT_FILE$)/.test(name)) delete process.env[name]
}
process.exitCode = await main()

async function main(): Promise<number> {
  let values: { seeds?: string | undefined; from?: string | undefined; help?: boolean | undefined }
  try {
    values = parseArgs({ options }).values
  } catch {
    return refuse('Unknown argument')
  }
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const [seeds, from] = [Number(values.seeds ?? 100), Number(values.from ?? 0)]
  if (!isCount(seeds) || !isCount(from)) return refuse('--seeds and --from must be whole numbers')
  const killsPassed = seeds === 0 || (await kill(seeds, from))
  const restartsPassed = await restart()
  return killsPassed && restartsPassed ? 0 : 1
}

async function kill(seeds: number, from: number): Promise<boolean> {
  await using stage = await startKillStage()
  const rounds: KillRound[] = []
  const failures: string[] = []
  for (let seed = from; seed < from + seeds && failures.length === 0; seed++) {
    try {
      const round = await stage.round(seed)
      rounds.push(round)
      say(describeRound(round))
      if (round.lost.length > 0) failures.push(`seed ${seed} lost ${round.lost.join(', ')}`)
    } catch (error) {
      // What it left behind would be taken for the next one's.
      failures.push(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  const sum = (of: (round: KillRound) => number) => rounds.reduce((total, round) => total + of(round), 0)
  process.stdout.write(
    `kill -9 at ${rounds.length} of ${seeds} seeded points: acknowledged ${sum((round) => round.acknowledged)}, ` +
      `delivered ${sum((round) => round.delivered)} to 3 subscribers each, duplicates ${sum((round) => round.duplicates)}, ` +
      `lost ${sum((round) => round.lost.length)}\n`,
  )
  for (const failure of failures) say(failure)
  if (failures.length > 0) {
    const kept = mkdtempSync(join(tmpdir(), 'sealcast-chaos-logs-'))
    cpSync(join(stage.stack.home, 'logs'), kept, { recursive: true })
    say(`logs are in ${kept}`)
  }
  return failures.length === 0
}

async function restart(): Promise<boolean> {
  await using stack = await startStack({ env: { SEALCAST_GATEWAYS: '2', SEALCAST_WORKERS: '2' } })
  trustStack(stack)
  const result = await runRollingRestart(stack, { perSecond: 200, topics: 8, processes: 4, times: 3 })
  process.stdout.write(`3 rolling restarts of 2 gateways and 2 workers at 200/s: ${describeRolling(result)}\n`)
  for (const error of result.errors) say(`a publisher met ${error}`)
  if (!isPauseShort(result)) say('a topic stood still for longer than 2 s')
  return result.errors.length === 0 && result.lost.length === 0 && isPauseShort(result)
}

function describeRound({ seed, point, acknowledged, delivered, duplicates, lost, ms }: KillRound): string {
  return (
    `seed ${seed}, ${point.when} ${point.script} ${point.nth}: acknowledged ${acknowledged}, delivered ${delivered}, ` +
    `duplicates ${duplicates}, lost ${lost.length} (${(ms / 1000).toFixed(1)} s)`
  )
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function refuse(reason: string): number {
  process.stderr.write(`${reason}\n\n${HELP}`)
  return 2
}

function say(line: string): void {
  process.stderr.write(`chaos      ${line}\n`)
}
