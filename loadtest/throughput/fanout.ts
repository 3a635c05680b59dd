/** What a message costs that goes to many: n subscriptions of each topic. */

import type { LoadTest } from '../load-test.ts'
import { runThroughput } from './run-throughput.ts'
import { deliverySettings, loadSettings } from './throughput-settings.ts'

const settings = {
  ...loadSettings({ rate: 20, seconds: 30, warmUp: 3, topics: 1 }),
  ...deliverySettings({ subscriptions: 25 }),
}

export const fanout: LoadTest<typeof settings> = {
  name: 'fanout',
  what: 'publishes to topics with many subscriptions each and times every message to every subscriber',
  settings,
  run: (values, run) => runThroughput({ ...values, test: 'fanout', delivery: values, soak: undefined }, run),
}
