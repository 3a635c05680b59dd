import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createMetrics } from '#shared/metrics'
import { createBrokerMetrics } from './index.ts'

suite('createBrokerMetrics()', () => {
  test('exports the names and labels that dashboards rely on', async () => {
    const metrics = createMetrics({ service: 'test' })
    const count = createBrokerMetrics(metrics)
    count.observeKms({ operation: 'Decrypt', outcome: 'ok', purpose: 'deliver', key: 'k', seconds: 0.004 })
    count.kmsRequestsUnrecorded(3)
    count.kmsBreakersOpen({ scope: 'endpoint', open: 2 })
    count.kmsCallRefused('key')
    count.observeDataKeyLookup('miss')
    count.observeDataKeyLookup('hit')
    count.observeDataKeyLookup('hit')
    count.recordForged('topic')
    const { text } = await metrics.expose()
    for (const line of [
      'sealcast_kms_requests_total{operation="Decrypt",outcome="ok",purpose="deliver",key="k"} 1',
      'sealcast_kms_request_seconds_bucket{le="0.005",operation="Decrypt"} 1',
      'sealcast_kms_ledger_lost_total 3',
      'sealcast_kms_breakers_open{scope="endpoint"} 2',
      'sealcast_kms_breakers_open{scope="throttling"} 0',
      'sealcast_kms_calls_refused_total{scope="key"} 1',
      'sealcast_data_key_cache_hits_total 2',
      'sealcast_data_key_cache_misses_total 1',
      'sealcast_records_forged_total{kind="topic"} 1',
      'sealcast_records_forged_total{kind="active-pairs"} 0',
    ]) {
      assert.ok(text.includes(`${line}\n`), line)
    }
  })
})
