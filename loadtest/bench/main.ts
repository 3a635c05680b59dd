/**
 * `npm run bench`: what Sealcast costs, as ratios to something bare measured in the same run.
 *
 * Progress goes to standard error, the report to standard output. Ends with status 1 when a row misses its
 * first target or counts for nothing.
 */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describeMachine } from '../harness/machine.ts'
import { describeProfiles } from '../harness/profile.ts'
import { findFailures, formatReport, type Report, type ReportedRow } from '../harness/report.ts'
import { writeResults } from '../harness/write-results.ts'
import { type BenchOptions, readOptions } from './options.ts'
import type { Bench, Row, RowResult } from './row.ts'
import { ROWS } from './rows.ts'

const HELP = `Usage: npm run bench [-- [row …] [--quick] [--no-verdict] [--profile]]

${ROWS.map(({ name, what, against }) => `  ${name.padEnd(14)} ${what}; against ${against}`).join('\n')}

  --quick        short rounds, to see that everything works; nothing is kept under loadtest/results
  --no-verdict   a missed target does not fail the run
  --profile      gateway and worker write profiles of their processor time; figures are then lower
`
const SHOWN_FUNCTIONS = 25
const root = dirname(dirname(import.meta.dirname))

// What a sourced data directory sets must not change what is measured.
for (const name of Object.keys(process.env)) {
  if (/^(AWS_|SEALCAST_|NODE_OPTIONS$|NODE_EXTRA_CA_CERTS$|SSL_CERT_FILE$)/.test(name)) delete process.env[name]
}

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  let options: BenchOptions
  try {
    options = readOptions(args)
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
  if (options.help) {
    process.stdout.write(HELP)
    return 0
  }
  const unknown = options.rows.filter((name) => !ROWS.some((row) => row.name === name))
  if (unknown.length > 0) return refuse(`No such row: ${unknown.join(', ')}`)
  if (process.platform !== 'linux') return refuse('The benchmark reads /proc and so runs on Linux only')
  return await bench(options)
}

async function bench(options: BenchOptions): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'sealcast-bench-'))
  // Left by Ctrl-C otherwise: the prepared requests are hundreds of megabytes.
  const clean = () => rmSync(folder, { recursive: true, force: true })
  process.on('exit', clean)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130))

  const startedAt = new Date().toISOString()
  const machine = await describeMachine(root)
  const began = performance.now()
  const rows: ReportedRow[] = []
  for (const row of ROWS.filter(({ name }) => options.rows.length === 0 || options.rows.includes(name))) {
    rows.push(await runRow(row, options, folder))
  }
  const seconds = (performance.now() - began) / 1000
  const report: Report = { startedAt, seconds, quick: options.quick, machine, rows }
  process.stdout.write(formatReport(report))
  if (!options.quick && !options.profile) say(`kept as ${writeResults(report, join(root, 'loadtest', 'results'))}.md`)
  const failures = findFailures(report)
  for (const failure of failures) say(failure)
  const isInvalid = rows.some(({ problems }) => problems.length > 0)
  return failures.length > 0 && (options.verdict || isInvalid) ? 1 : 0
}

async function runRow(row: Row, options: BenchOptions, folder: string): Promise<ReportedRow> {
  const own = join(folder, row.name)
  mkdirSync(own)
  const profileFolder = options.profile ? mkdtempSync(join(tmpdir(), `sealcast-profile-${row.name}-`)) : undefined
  const began = performance.now()
  say(`${row.name}: ${row.what}`)
  const result = await tryRow(row, {
    quick: options.quick,
    folder: own,
    profileFolder,
    progress: (text) => say(`${row.name}: ${text}`),
  })
  rmSync(own, { recursive: true, force: true })
  if (profileFolder !== undefined) say(describeProfiles(profileFolder, ['gateway', 'delivery'], SHOWN_FUNCTIONS))
  const { name, what, against } = row
  return { name, what, against, seconds: (performance.now() - began) / 1000, ...result }
}

/** One row that fails must not cost the others. */
async function tryRow(row: Row, bench: Bench): Promise<RowResult> {
  try {
    return await row.run(bench)
  } catch (error) {
    bench.progress(error instanceof Error ? (error.stack ?? error.message) : String(error))
    const problem = error instanceof Error ? error.message : String(error)
    return { figures: [], measured: [], notes: [], problems: [`it could not be measured: ${problem}`] }
  }
}

function refuse(reason: string): number {
  process.stderr.write(`${reason}\n\n${HELP}`)
  return 2
}

function say(line: string): void {
  process.stderr.write(`bench      ${line}\n`)
}
