/** How publishing does at a steady rate. */

import { openPublisher } from '../bench/delivery-setup.ts'
import { startBenchStack } from '../harness/bench-stack.ts'
import { createLatencyHistogram, latencyFigures, percentileCurve } from '../harness/histogram.ts'
import type { LoadTest } from '../load-test.ts'
import { setting } from '../settings/setting.ts'

const settings = {
  rate: setting.integer(200, 'messages a second', { min: 1, max: 100_000 }),
  seconds: setting.integer(10, 'how long', { min: 1, max: 86_400 }),
  sealed: setting.boolean(true, 'publish to topics that are not sealed'),
}

export const publish: LoadTest<typeof settings> = {
  name: 'publish',
  what: 'publishes at a steady rate, whatever the answers do',
  settings,
  async run({ rate, seconds, sealed }, { progress }) {
    await using broker = await startBenchStack({})
    await using publisher = await openPublisher(broker)
    const topicArn = await broker.createTopic({ name: 'loadtest', sealed })
    progress.say(`${rate}/s for ${seconds} s`)
    const lanes = [{ topicArn, signer: broker.signer }]
    const { sent, lagsMs, failures } = await publisher.call('steady', { lanes, perSecond: rate, seconds })
    const { published, appended } = await broker.counters()
    const lags = createLatencyHistogram()
    for (const lag of lagsMs) lags.recordMs(lag)
    const reasons = [
      ...(failures.length > 0 ? [`${failures.length} requests failed, the first with ${failures[0]}`] : []),
      ...(published === sent.length && appended === published ? [] : ['What was accepted was not appended']),
    ]
    return {
      title: `Publishing ${rate} messages a second for ${seconds} s`,
      verdict: { outcome: reasons.length === 0 ? 'passed' : 'failed', interrupted: false, reasons },
      settings: [],
      figures: [{ name: 'published', value: published, unit: 'count' }],
      latencies: [latencyFigures('generator late', 'from when a request was due to when it was sent', lags)],
      errors: [],
      tables: [],
      charts: [
        {
          title: 'How late the generator was',
          caption: 'By percentile.',
          x: { label: 'percentile', unit: 'share', scale: 'percentile' },
          y: { label: 'late', unit: 'ms' },
          series: [{ name: 'late', points: percentileCurve(lags) }],
        },
      ],
      notes: [],
    }
  },
}
