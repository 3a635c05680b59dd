/** Has promtool look at the configuration and the rules, and run the tests of the rules. */

import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface RulesCheck {
  readonly name: string
  readonly ok: boolean
  /** What promtool said. */
  readonly output: string
}

export const PROMETHEUS_FOLDER = join(dirname(dirname(import.meta.dirname)), 'deploy', 'prometheus')

/** @returns one for each thing looked at, in order */
export async function checkRules(): Promise<RulesCheck[]> {
  const tests = globSync('tests/*.yml', { cwd: PROMETHEUS_FOLDER }).sort()
  const checks = [
    runPromtool('prometheus.yml', ['check', 'config', 'prometheus.yml']),
    ...tests.map((file) => runPromtool(file, ['test', 'rules', file])),
  ]
  const none: RulesCheck = { name: 'tests/*.yml', ok: false, output: 'There are no tests.' }
  return tests.length === 0 ? [none] : await Promise.all(checks)
}

function runPromtool(name: string, args: readonly string[]): Promise<RulesCheck> {
  return new Promise((resolve) => {
    execFile('promtool', args, { cwd: PROMETHEUS_FOLDER }, (error, stdout, stderr) => {
      resolve({ name, ok: error === null, output: `${stdout}${stderr}`.trim() })
    })
  })
}
