/**
 * `npm run loss-windows`: what can be lost of what was acknowledged, with each way to run Redis.
 *
 * Six minutes with the default number of rounds. Progress on standard error, the tables on standard
 * output and in loadtest/results/loss-windows.md.
 */

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { failOverRound, killRound } from './kill-rounds.ts'
import { type PowerLoss, powerLossRound } from './power-loss-round.ts'
import type { Loss } from './publish-load.ts'
import { appendsPerSecond } from './throughput.ts'

const RESULTS = new URL('../results/loss-windows.md', import.meta.url)
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '20' }, help: { type: 'boolean' } } })
const rounds = Number(values.rounds)
/** A median of so many measurements. */
const COST_TURNS = 3
const IN_FLIGHT = [64, 512] as const

if (values.help || !(Number.isInteger(rounds) && rounds > 0)) {
  process.stdout.write('Usage: npm run loss-windows [-- --rounds 20]\n')
  process.exit(values.help ? 0 : 2)
}

/** Few rounds show what there is to see where each of them loses something. */
const fewRounds = Math.ceil(rounds / 4)
const report = [
  '# Loss windows',
  '',
  `\`npm run loss-windows -- --rounds ${rounds}\`: ${machine()}. 64 publishers, messages of 1 KiB, the broker's own appender.`,
  '',
  '## Measured: the process dies (kill -9), or its replica takes over',
  '',
  '| Redis | rounds | acknowledged | lost | rounds with loss | longest window |',
  '|---|---|---|---|---|---|',
  row('everysec, restarted', await repeat('kill, everysec', rounds, () => killRound({ fsync: 'everysec' }))),
  row(
    'everysec, fdatasync takes 300 ms more, restarted',
    await repeat('kill, everysec, slow disk', rounds, () => killRound({ fsync: 'everysec', syncDelayMs: 300 })),
  ),
  row('always, restarted', await repeat('kill, always', rounds, () => killRound({ fsync: 'always' }))),
  row(
    'fail-over over a link of 5 ms, WAIT 0',
    await repeat('fail-over, WAIT 0', fewRounds, () => failOverRound({ waitReplicas: 0, lagMs: 5 })),
  ),
  row(
    'fail-over over a link of 5 ms, WAIT 1',
    await repeat('fail-over, WAIT 1', rounds, () => failOverRound({ waitReplicas: 1, lagMs: 5 })),
  ),
  '',
  '## Model: the machine dies, and its disk holds what the last completed fdatasync covered',
  '',
  '| Redis | rounds | acknowledged | lost | rounds with loss | longest window |',
  '|---|---|---|---|---|---|',
  row('everysec', await repeat('power loss, everysec', fewRounds, () => powerLossRound({ fsync: 'everysec' }))),
  row('always', await repeat('power loss, always', fewRounds, () => powerLossRound({ fsync: 'always' }))),
  '',
  `## Cost: acknowledged appends a second, all processes on this machine, median of ${COST_TURNS}`,
  '',
  '| Redis | 64 in flight | 512 in flight |',
  '|---|---|---|',
  ...(await costs()),
  '',
].join('\n')
process.stdout.write(report)
writeFileSync(RESULTS, report)

async function repeat<T extends Loss>(what: string, times: number, round: () => Promise<T>): Promise<T[]> {
  const losses: T[] = []
  for (let n = 1; n <= times; n++) {
    const loss = await round()
    losses.push(loss)
    process.stderr.write(`${what} ${n}/${times}: ${loss.lost} of ${loss.acknowledged} lost${syncOf(loss)}\n`)
  }
  return losses
}

function syncOf(loss: Loss & Partial<PowerLoss>): string {
  return loss.syncedMsBefore === undefined ? '' : `, last sync begun ${Math.round(loss.syncedMsBefore)} ms before`
}

function row(name: string, losses: readonly Loss[]): string {
  const sum = (of: (loss: Loss) => number) => losses.reduce((total, loss) => total + of(loss), 0)
  const longest = Math.max(...losses.map(({ windowMs }) => windowMs))
  const withLoss = losses.filter(({ lost }) => lost > 0).length
  const cells = [name, losses.length, sum(({ acknowledged }) => acknowledged), sum(({ lost }) => lost), withLoss]
  return `| ${cells.join(' | ')} | ${longest === 0 ? '–' : `${Math.round(longest)} ms`} |`
}

/** By turns, so that a busy moment of the machine does not fall on one of them alone. */
async function costs(): Promise<string[]> {
  const settings = [
    { name: 'everysec, no replica', fsync: 'everysec', replicas: 0, waitReplicas: 0 },
    { name: 'everysec, one replica, WAIT 0', fsync: 'everysec', replicas: 1, waitReplicas: 0 },
    { name: 'everysec, one replica, WAIT 1', fsync: 'everysec', replicas: 1, waitReplicas: 1 },
    { name: 'always, no replica', fsync: 'always', replicas: 0, waitReplicas: 0 },
  ] as const
  const rates = new Map<string, number[]>()
  for (let turn = 1; turn <= COST_TURNS; turn++) {
    for (const { name, ...setting } of settings) {
      for (const inFlight of IN_FLIGHT) {
        const rate = await appendsPerSecond({ ...setting, inFlight })
        rates.set(`${name} ${inFlight}`, [...(rates.get(`${name} ${inFlight}`) ?? []), rate])
        process.stderr.write(`cost, ${name}, ${inFlight} in flight: ${Math.round(rate)} a second\n`)
      }
    }
  }
  const median = (of: string) => rates.get(of)?.sort((a, b) => a - b)[Math.floor(COST_TURNS / 2)] ?? Number.NaN
  return settings.map(({ name }) => {
    const cells = IN_FLIGHT.map((inFlight) => Math.round(median(`${name} ${inFlight}`)).toLocaleString('en'))
    return `| ${name} | ${cells.join(' | ')} |`
  })
}

function machine(): string {
  const [cpu] = cpus()
  const redis = /v=([\d.]+)/.exec(execFileSync('redis-server', ['--version'], { encoding: 'utf8' }))?.[1]
  return `${cpus().length} × ${cpu?.model.trim() ?? 'unknown'}, Redis ${redis}, Node ${process.versions.node}`
}
