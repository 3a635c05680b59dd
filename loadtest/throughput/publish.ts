/** What gateways take: rate, size, topics, publishers, batches, sealed or not. */

import type { LoadTest } from '../load-test.ts'
import { runThroughput } from './run-throughput.ts'
import { loadSettings } from './throughput-settings.ts'

const settings = loadSettings({ rate: 500, seconds: 30, warmUp: 3, topics: 4 })

export const publish: LoadTest<typeof settings> = {
  name: 'publish',
  what: 'publishes at a steady rate, by the clock, to topics that nobody subscribes to',
  settings,
  run: (values, run) => runThroughput({ ...values, test: 'publish', delivery: undefined, soak: undefined }, run),
}
