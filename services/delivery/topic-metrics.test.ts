import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { createMetrics } from '#shared/metrics'
import { createDeliveryMetrics } from './metrics.ts'

suite('createDeliveryMetrics()', () => {
  test('counts notifications and their dwell time by topic, from the 101st topic on together', async () => {
    const metrics = createMetrics({ service: 'test' })
    const count = createDeliveryMetrics(metrics, createFakeClock())
    for (let n = 0; n < 102; n++) count.delivered(`arn:topic-${n}`, 0.02)
    count.failed('arn:topic-0')
    count.failed('arn:topic-200')
    // A confirmation is no notification.
    count.failed(undefined)
    const { text } = await metrics.expose()
    for (const line of [
      'sealcast_topic_notifications_total{topic="arn:topic-99",outcome="delivered"} 1',
      'sealcast_topic_notifications_total{topic="arn:topic-0",outcome="failed"} 1',
      'sealcast_topic_notifications_total{topic="other",outcome="delivered"} 2',
      'sealcast_topic_notifications_total{topic="other",outcome="failed"} 1',
      'sealcast_topic_dwell_seconds_bucket{le="0.005",topic="arn:topic-0"} 0',
      'sealcast_topic_dwell_seconds_bucket{le="0.025",topic="arn:topic-0"} 1',
      'sealcast_topic_dwell_seconds_count{topic="other"} 2',
      'sealcast_end_to_end_seconds_count 102',
      'sealcast_notifications_failed_total 3',
    ]) {
      assert.ok(text.includes(`\n${line}\n`), line)
    }
  })

  test('takes time that seems to run backwards for none, so that no sum falls', async () => {
    const metrics = createMetrics({ service: 'test' })
    const count = createDeliveryMetrics(metrics, createFakeClock())
    count.delivered('arn:topic', -3)
    count.attempted({ protocol: 'https', host: 'a.example', decision: 'delivered', seconds: -3 })
    const { text } = await metrics.expose()
    for (const line of [
      'sealcast_end_to_end_seconds_sum 0',
      'sealcast_topic_dwell_seconds_sum{topic="arn:topic"} 0',
      'sealcast_delivery_attempt_seconds_sum{protocol="https"} 0',
      'sealcast_slowest_endpoint_seconds{host="a.example"} 0',
    ]) {
      assert.ok(text.includes(`\n${line}\n`), line)
    }
  })
})
