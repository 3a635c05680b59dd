import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import * as fc from 'fast-check'
import * as prom from 'prom-client'
import { boundedSeries, createMetrics } from './index.ts'

suite('bind()', () => {
  test('shows what was added when the page is asked for, once, and the series from the start', async () => {
    const metrics = createMetrics({ service: 'test' })
    const counter = metrics.counter('sealcast_things_total', 'Things.', ['kind'])
    const series = counter.bind({ kind: 'a' })
    assert.match((await metrics.expose()).text, /^sealcast_things_total\{kind="a"\} 0$/m)
    series.add()
    series.add(2.5)
    counter.add({ kind: 'a' })
    for (let n = 0; n < 2; n++) assert.match((await metrics.expose()).text, /^sealcast_things_total\{kind="a"\} 4\.5$/m)
  })
})

suite('boundHistogram()', () => {
  test('writes what a histogram of prom-client writes', async () => {
    const values = fc.array(
      fc.record({ at: fc.constantFrom('a', 'b"\\\n'), value: fc.double({ noNaN: true, min: -5, max: 99 }) }),
    )
    await fc.assert(
      fc.asyncProperty(values, async (observed) => {
        const metrics = createMetrics({ service: 'test' })
        const own = metrics.boundHistogram('h_seconds', 'Some.', [0, 0.5, 1, 60], ['at'])
        const registry = new prom.Registry()
        const buckets = [0, 0.5, 1, 60]
        const theirs = new prom.Histogram({
          name: 'h_seconds',
          help: 'Some.',
          buckets,
          labelNames: ['at'],
          registers: [registry],
        })
        const bound = boundedSeries(10, (at) => own.bind({ at }))
        for (const { at, value } of observed) {
          bound(at).observe(value)
          theirs.observe({ at }, value)
        }
        const text = await registry.metrics()
        assert.ok((await metrics.expose()).text.includes(text.trim()), text)
      }),
    )
  })

  test('leaves out what is no number', async () => {
    const metrics = createMetrics({ service: 'test' })
    metrics.boundHistogram('h_seconds', 'Some.', [1], ['at']).bind({ at: 'a' }).observe(Number.NaN)
    assert.match((await metrics.expose()).text, /^h_seconds_count\{at="a"\} 0$/m)
  })
})

suite('boundedSeries()', () => {
  test('makes one for each label until there are enough, then one for all others', () => {
    const made: string[] = []
    const seriesOf = boundedSeries(2, (label) => {
      made.push(label)
      return label
    })
    assert.deepEqual(['a', 'b', 'a', 'c', 'd', 'b'].map(seriesOf), ['a', 'b', 'a', 'other', 'other', 'b'])
    assert.deepEqual(made, ['a', 'b', 'other'])
  })
})

suite('beforeExposing()', () => {
  test('is called whenever the page is asked for', async () => {
    const metrics = createMetrics({ service: 'test' })
    const gauge = metrics.gauge('sealcast_depth', 'Depth.')
    let depth = 0
    metrics.beforeExposing(() => gauge.set({}, ++depth))
    await metrics.expose()
    assert.match((await metrics.expose()).text, /^sealcast_depth 2$/m)
  })
})
