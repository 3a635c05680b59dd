/**
 * `npm run observability`: whether what Prometheus and Grafana are to show is there.
 *
 * `rules` checks the rules and runs their tests with promtool, without a stack. Status 1 when anything is wrong.
 */

import { checkRules } from './check-rules.ts'

const HELP = `Usage: npm run observability -- rules

  rules   configuration, rules and the tests of the rules, by promtool
`

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(HELP)
    return 0
  }
  const checks = await checkRules()
  for (const { name, ok, output } of checks) {
    process.stdout.write(`${ok ? 'ok    ' : 'FAILED'} promtool ${name}\n`)
    if (!ok) process.stdout.write(`${output}\n`)
  }
  return checks.every(({ ok }) => ok) ? 0 : 1
}
