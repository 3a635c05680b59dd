import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createMetrics, serveMetrics } from './index.ts'

suite('serveMetrics()', () => {
  test('exposes counters, gauges and histograms in the text format', async () => {
    const metrics = createMetrics({ service: 'test' })
    metrics.counter('sealcast_things_total', 'Things.', ['outcome']).add({ outcome: 'ok' }, 3)
    metrics.gauge('sealcast_depth', 'Depth.').set({}, 5)
    metrics.histogram('sealcast_wait_seconds', 'Wait.', [0.1, 1]).observe({}, 0.5)
    await using server = await serveMetrics({ metrics, port: 0 })
    const response = await fetch(`http://127.0.0.1:${server.port}/metrics`)
    const text = await response.text()
    assert.equal(response.status, 200)
    assert.match(text, /^sealcast_things_total\{outcome="ok"\} 3$/m)
    assert.match(text, /^sealcast_depth 5$/m)
    assert.match(text, /^sealcast_wait_seconds_bucket\{le="1"\} 1$/m)
    assert.equal((await fetch(`http://127.0.0.1:${server.port}/other`)).status, 404)
  })
})
