/**
 * `npm run observability`: whether what Prometheus and Grafana are to show is there.
 *
 * First the rules by promtool, then every panel and rule against a live stack with faults. Five minutes. Progress on standard
 * error, the page on standard output. Status 1 when anything is wrong.
 */

import { execFile } from 'node:child_process'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { describeMachine } from '../harness/machine.ts'
import { checkRules } from './check-rules.ts'
import { formatRun } from './format-run.ts'
import { runLive } from './run-live.ts'

const HELP = `Usage: npm run observability [-- rules]

  rules   only configuration, rules and the tests of the rules, by promtool
`

// What a sourced data directory sets must not change what is looked at.
for (const name of Object.keys(process.env)) {
  if (/^(AWS_|SEALCAST_|NODE_EXTRA_CA_CERTS$|SSL_CERT_FILE$)/.test(name)) delete process.env[name]
}
// What was started ends with us: `up` by its channel, Prometheus when this process exits.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1))
process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(HELP)
    return 0
  }
  if (args.some((arg) => arg !== 'rules')) {
    process.stderr.write(`Unknown argument\n\n${HELP}`)
    return 2
  }
  const checks = await checkRules()
  for (const { name, ok, output } of checks) {
    say(`promtool ${name}: ${ok ? 'ok' : `FAILED\n${output}`}`)
  }
  if (!checks.every(({ ok }) => ok)) return 1
  if (args.includes('rules')) return 0
  const startedAt = performance.now()
  const run = await runLive((line) => say(`${((performance.now() - startedAt) / 1000).toFixed(0)} s  ${line}`))
  process.stdout.write(formatRun(run, await describeSurroundings()))
  for (const failure of run.failures) say(`FAILED: ${failure}`)
  say(`${((performance.now() - startedAt) / 1000).toFixed(0)} s  ${run.failures.length} failures`)
  return run.failures.length === 0 ? 0 : 1
}

async function describeSurroundings(): Promise<string> {
  const { commit, cores, cpu, os, node, redis } = await describeMachine(dirname(dirname(import.meta.dirname)))
  const { stdout, stderr } = await promisify(execFile)('prometheus', ['--version'])
  const version = /version (\S+)/.exec(`${stdout}${stderr}`)?.[1] ?? ''
  return `at ${commit}: ${cores} × ${cpu}, ${os}, Node ${node}, Redis ${redis}, Prometheus ${version}`
}

function say(line: string): void {
  process.stderr.write(`observability  ${line}\n`)
}
