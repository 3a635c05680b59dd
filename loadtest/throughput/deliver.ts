/** From publish to subscriber: how long it takes and whether workers keep up. */

import type { LoadTest } from '../load-test.ts'
import { runThroughput } from './run-throughput.ts'
import { deliverySettings, loadSettings } from './throughput-settings.ts'

const settings = {
  ...loadSettings({ rate: 300, seconds: 30, warmUp: 3, topics: 8 }),
  ...deliverySettings({ subscriptions: 1 }),
}

export const deliver: LoadTest<typeof settings> = {
  name: 'deliver',
  what: 'publishes at a steady rate, by the clock, and times every message to its subscriber',
  settings,
  run: (values, run) => runThroughput({ ...values, test: 'deliver', delivery: values, soak: undefined }, run),
}
