/** `npm run loadtest -- kms`: how many KMS requests a stack of real gateways and workers makes, beside the formula. */

import { readFileSync } from 'node:fs'
import type { LoadTest } from '../load-test.ts'
import { SettingsError } from '../settings/read-settings.ts'
import { reportRun } from './report-run.ts'
import { runKms } from './run.ts'
import { interpret, KMS_SETTINGS } from './settings.ts'
import { simulateMonths } from './simulate-months.ts'

export const kms: LoadTest<typeof KMS_SETTINGS> = {
  name: 'kms',
  what: 'KMS requests of steady, idle and bursty publishers, beside (g + 1) × P for each reuse period',
  settings: KMS_SETTINGS,
  async run(values, run) {
    const { patterns, plan, problems } = interpret(values, { readFile: (path) => readFileSync(path, 'utf8') })
    if (problems.length > 0) throw new SettingsError(problems)
    if (values.simulate) return await simulateMonths({ ...values, days: values.simulateDays }, run)
    return reportRun(await runKms(values, { ...run, patterns, plan }))
  },
}
