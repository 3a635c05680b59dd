import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createMetrics } from './metrics.ts'

suite('createMetrics()', () => {
  test('counts by labels, however the series is come by', async () => {
    const metrics = createMetrics({ service: 'test' })
    const counter = metrics.counter('x_total', 'help', ['a', 'b'])
    counter.add({ a: '1', b: 'x' })
    counter.add({ b: 'x', a: '1' }, 2)
    counter.bind({ a: '1', b: 'x' }).add(3)
    counter.add({ a: '2', b: 'x' }, 0)
    assert.deepEqual(await seriesOf(metrics, 'x_total'), ['x_total{a="1",b="x"} 6', 'x_total{a="2",b="x"} 0'])
    counter.add({ a: '2', b: 'x' })
    assert.deepEqual(await seriesOf(metrics, 'x_total'), ['x_total{a="1",b="x"} 6', 'x_total{a="2",b="x"} 1'])
    assert.throws(() => counter.add({ a: '1', b: 'x' }, -1), RangeError)
  })

  test('has a series without labels from the start, and only one', async () => {
    const metrics = createMetrics({ service: 'test' })
    metrics.counter('x_total', 'help').add({}, 2)
    const histogram = metrics.histogram('y_seconds', 'help', [1, 2])
    const bucketsOf = () => seriesOf(metrics, 'y_seconds')
    assert.deepEqual(await bucketsOf(), lines('y_seconds', '', [0, 0, 0], 0))
    for (const seconds of [1, 1.5, 3]) histogram.observe({}, seconds)
    assert.deepEqual(await bucketsOf(), lines('y_seconds', '', [1, 2, 3], 5.5))
    assert.deepEqual(await seriesOf(metrics, 'x_total'), ['x_total 2'])
  })

  test('observes by labels, of which none is there before', async () => {
    const metrics = createMetrics({ service: 'test' })
    const histogram = metrics.histogram('y_seconds', 'help', [1, 2], ['of'])
    assert.deepEqual(await seriesOf(metrics, 'y_seconds'), [])
    histogram.observe({ of: 'a' }, 0.5)
    histogram.observe({ of: 'a' }, 2)
    histogram.observe({ of: 'b' }, 9)
    const ofA = lines('y_seconds', 'of="a"', [1, 2, 2], 2.5)
    assert.deepEqual(await seriesOf(metrics, 'y_seconds'), [...ofA, ...lines('y_seconds', 'of="b"', [0, 0, 1], 9)])
  })
})

async function seriesOf(metrics: ReturnType<typeof createMetrics>, name: string): Promise<string[]> {
  const { text } = await metrics.expose()
  return text.split('\n').filter((line) => line.startsWith(name))
}

function lines(name: string, label: string, counts: [number, number, number], sum: number): string[] {
  const more = label === '' ? '' : `,${label}`
  const own = label === '' ? '' : `{${label}}`
  return [
    ...['1', '2', '+Inf'].map((le, at) => `${name}_bucket{le="${le}"${more}} ${counts[at]}`),
    `${name}_sum${own} ${sum}`,
    `${name}_count${own} ${counts[2]}`,
  ]
}
