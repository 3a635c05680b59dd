import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createMetrics } from '#shared/metrics'
import { createGatewayMetrics } from './metrics.ts'

suite('createGatewayMetrics()', () => {
  test('predicts two requests for each active pair', async () => {
    const { count, has } = setup()
    count.activePairs(8)
    count.gatewaysAlive(3)
    count.dataKeyReuse(300_000)
    await has('sealcast_kms_active_pairs 8', 'sealcast_kms_predicted_requests 16')
    await has('sealcast_gateways_alive 3', 'sealcast_data_key_reuse_seconds 300')
  })

  test('looks at the data keys it holds when the page is asked for', async () => {
    const { count, has } = setup()
    let keys = 2
    count.watchSealingKeys(() => ({ keys, oldestAgeMs: 1_500 * keys }))
    await has('sealcast_data_keys_cached{cache="sealing"} 2', 'sealcast_data_key_oldest_age_seconds 3')
    keys = 0
    await has('sealcast_data_keys_cached{cache="sealing"} 0', 'sealcast_data_key_oldest_age_seconds 0')
  })

  test('keeps how old and how used data keys were that it retired', async () => {
    const { count, has } = setup()
    count.dataKeyRetired({ ageMs: 299_000, messages: 12 })
    await has(
      'sealcast_data_key_age_seconds_bucket{le="270"} 0',
      'sealcast_data_key_age_seconds_bucket{le="300"} 1',
      'sealcast_data_key_messages_bucket{le="10"} 0',
      'sealcast_data_key_messages_sum 12',
    )
  })

  test('counts by topic, from the 101st topic on together', async () => {
    const { count, has } = setup()
    for (let n = 0; n < 103; n++) {
      count.published({ topicArn: `arn:topic-${n}`, sealed: true, messages: 2, bodyBytes: 10 })
    }
    await has(
      'sealcast_topic_messages_published_total{topic="arn:topic-99"} 2',
      'sealcast_topic_published_bytes_total{topic="arn:topic-0"} 10',
      'sealcast_topic_messages_published_total{topic="other"} 6',
      'sealcast_topic_published_bytes_total{topic="other"} 30',
      'sealcast_messages_published_total{sealed="true"} 206',
    )
  })

  test('gives a thread its part of the topics that have series of their own', async () => {
    const { count, has } = setup({ part: 0.02 })
    for (const topicArn of ['arn:a', 'arn:b', 'arn:c', 'arn:d']) {
      count.published({ topicArn, sealed: false, messages: 1, bodyBytes: 5 })
    }
    await has(
      'sealcast_topic_messages_published_total{topic="arn:b"} 1',
      'sealcast_topic_messages_published_total{topic="other"} 2',
    )
  })
})

function setup(o: { part?: number } = {}) {
  const metrics = createMetrics({ service: 'test' })
  return {
    count: createGatewayMetrics(metrics, o),
    async has(...lines: string[]) {
      const { text } = await metrics.expose()
      for (const line of lines) assert.ok(text.includes(`\n${line}\n`), line)
    },
  }
}
