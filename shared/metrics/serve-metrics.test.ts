import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
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
    assert.match(text, /^sealcast_build_info\{version="\d+\.\d+\.\d+",service="test"\} 1$/m)
    assert.match(text, /^sealcast_wait_seconds_bucket\{le="1"\} 1$/m)
    assert.equal((await fetch(`http://127.0.0.1:${server.port}/other`)).status, 404)
  })

  test('names a metric, its type and its labels before there is any series', async () => {
    const metrics = createMetrics({ service: 'test' })
    metrics.counter('sealcast_things_total', 'Things.', ['outcome', 'kind'])
    const { text } = await metrics.expose()
    assert.match(text, /^# TYPE sealcast_things_total counter$/m)
    assert.match(text, /^# LABELS sealcast_things_total outcome kind$/m)
    assert.doesNotMatch(text, /^sealcast_things_total/m)
  })

  test('shows totals that are counted elsewhere as they are, and no series that was removed', async () => {
    const metrics = createMetrics({ service: 'test' })
    const total = metrics.counter('sealcast_commands_total', 'Commands.', ['node'])
    total.mirror({ node: 'a' }, 7)
    total.mirror({ node: 'a' }, 9)
    const gauge = metrics.gauge('sealcast_owned', 'Owned.', ['partition'])
    gauge.set({ partition: '1' }, 1)
    gauge.set({ partition: '2' }, 1)
    gauge.remove({ partition: '1' })
    assert.match((await metrics.expose()).text, /^sealcast_commands_total\{node="a"\} 9$/m)
    total.mirror({ node: 'a' }, 2)
    const { text } = await metrics.expose()
    assert.match(text, /^sealcast_commands_total\{node="a"\} 2$/m)
    assert.deepEqual(text.match(/^sealcast_owned.*$/gm), ['sealcast_owned{partition="2"} 1'])
  })

  test('answers whom it was meant for, and no web page whose name leads here', async () => {
    await using server = await serveMetrics({ metrics: createMetrics({ service: 'test' }), port: 0 })
    const { port } = server
    const hosts = [
      `127.0.0.1:${port}`,
      `localhost:${port}`,
      'localhost',
      `[::1]:${port}`,
      `host.docker.internal:${port}`,
    ]
    for (const host of hosts) assert.equal(await statusFor(host, port), 200, host)
    for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1.evil.example']) {
      assert.equal(await statusFor(host, port), 403, host)
    }
  })
})

/** By hand, since fetch does not let a caller choose the host. */
async function statusFor(host: string, port: number): Promise<number | undefined> {
  const sent = request({ host: '127.0.0.1', port, path: '/metrics', headers: { host } }).end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.resume()
  return response.statusCode
}
