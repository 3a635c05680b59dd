/** Hours under a steady load: does anything grow, does anything get lost when everything is replaced meanwhile? */

import type { LoadTest } from '../load-test.ts'
import { setting } from '../settings/setting.ts'
import { runThroughput } from './run-throughput.ts'
import { deliverySettings, loadSettings } from './throughput-settings.ts'

const settings = {
  ...loadSettings({ rate: 100, seconds: 1800, warmUp: 120, topics: 8 }),
  ...deliverySettings({ subscriptions: 1 }),
  maxGrowth: setting.number(
    16,
    'MiB an hour that a process or Redis may grow by; fails when it is surely more (95 %)',
    { min: 0, max: 100_000, value: 'MiB/h' },
  ),
  restartEvery: setting.integer(0, 'replaces all gateways and workers in turn that often; 0: never', {
    min: 0,
    max: 86_400,
    value: 'seconds',
  }),
}

export const soak: LoadTest<typeof settings> = {
  name: 'soak',
  what: 'publishes and delivers for long, and fails when memory grows or anything is lost',
  settings,
  run: (values, run) => runThroughput({ ...values, test: 'soak', delivery: values, soak: values }, run),
}
