/**
 * `npm run kms-months`: the months of SNS's encryption guide on a simulated clock, counted by the KMS's own log.
 *
 * About five minutes on two cores. Progress on standard error, the table on standard output, and with `--keep` in
 * loadtest/results/kms-months.md. Status 1 when a number is not the predicted one, or the ledger has another.
 */

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { type Case, type CaseResult, describeCase, describeExpected, monthCases, runCase, shortCases } from './cases.ts'
import { randomOf } from './random-of.ts'

const RESULTS = new URL('../results/kms-months.md', import.meta.url)
const HELP = `Usage: npm run kms-months [-- --seed 42] [--keep]

  --seed   decides when irregular publishers publish
  --keep   write the table to loadtest/results/kms-months.md
`
const options = {
  seed: { type: 'string', default: '42' },
  keep: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

// What a sourced data directory sets must not change what is counted.
for (const name of Object.keys(process.env)) {
  if (/^(AWS_|SEALCAST_|NODE_EXTRA_CA_CERTS$|SSL_CERT_FILE$)/.test(name)) delete process.env[name]
}
process.exitCode = await main()

async function main(): Promise<number> {
  const { seed, keep, help } = parseArgs({ options }).values
  if (help || !/^\d{1,9}$/.test(seed)) {
    process.stdout.write(HELP)
    return help ? 0 : 2
  }
  const cases = [...monthCases(), ...shortCases({ days: 1, random: randomOf(Number(seed)) })]
  const rows: string[] = []
  let failed = 0
  for (const each of cases) {
    const result = await runCase(each, (day) => say(`${describeCase(each)}: day ${day}`))
    rows.push(rowOf(each, result))
    for (const problem of result.problems) say(`${describeCase(each)}: ${problem}`)
    if (result.problems.length > 0) failed++
  }
  const page = pageOf(rows, seed)
  process.stdout.write(page)
  if (keep) writeFileSync(RESULTS, page)
  return failed === 0 ? 0 : 1
}

function rowOf(each: Case, { messages, served, requests, ledgerRequests, wallSeconds }: CaseResult): string {
  const numbers = [messages, served.GenerateDataKey, served.Decrypt, requests, ledgerRequests]
  const cells = [
    each.name,
    each.topics.join(' + '),
    each.days,
    each.gateways,
    each.workers,
    ...numbers.map((number) => number.toLocaleString('en')),
    describeExpected(each).replaceAll(/\d+/g, (digits) => Number(digits).toLocaleString('en')),
    `${wallSeconds.toFixed(0)} s`,
  ]
  return `| ${cells.join(' | ')} |`
}

function pageOf(rows: readonly string[], seed: string): string {
  const [cpu] = cpus()
  const commit = execFileSync('git', ['rev-parse', '--short=10', 'HEAD'], { encoding: 'utf8' }).trim()
  return `# KMS requests of simulated months

\`npm run kms-months\`, seed ${seed}, commit ${commit}, Node ${process.versions.node}, ${cpus().length} × ${cpu?.model.trim()}. Data keys are used for 300 s. Requests are those
in the log of the local KMS, a process of its own, which agrees with its counter; the ledger is the broker's, compared for each publisher.

| publishers | of topics | days | gateways | workers | messages | GenerateDataKey | Decrypt | requests | in the ledger | predicted | took |
|---|---|---|---|---|---|---|---|---|---|---|---|
${rows.join('\n')}
`
}

function say(line: string): void {
  process.stderr.write(`kms-months ${line}\n`)
}
