import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import packageJson from '../../package.json' with { type: 'json' }
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

suite('a page of several threads', () => {
  test('sums up counters and histograms, and shows of gauges the highest or the sum', async () => {
    const { page, threads } = setUpThreads()
    threads.forEach(({ counter, histogram, highest, sum }, at) => {
      counter.add({ a: '1' }, at + 1)
      histogram.observe({}, at + 0.5)
      highest.set({}, at === 0 ? 7 : at)
      sum.set({}, at + 1)
    })
    threads[2]?.counter.add({ a: 'only here' })
    assert.deepEqual(await seriesOf(page, 'x_total'), ['x_total{a="1"} 6', 'x_total{a="only here"} 1'])
    assert.deepEqual(await seriesOf(page, 'y_seconds'), lines('y_seconds', '', [1, 2, 3], 4.5))
    assert.deepEqual(await seriesOf(page, 'high'), ['high 7'])
    assert.deepEqual(await seriesOf(page, 'sum'), ['sum 6'])
  })

  test('shows what the process has once, and of the loops of the threads the one that is most behind', async () => {
    const { page } = setUpThreads()
    assert.equal((await seriesOf(page, 'process_start_time_seconds')).length, 1)
    assert.deepEqual(await seriesOf(page, 'sealcast_build_info{'), [
      `sealcast_build_info{version="${packageJson.version}",service="test"} 1`,
    ])
    const started = Number((await seriesOf(page, 'process_start_time_seconds'))[0]?.split(' ')[1])
    assert.ok(Math.abs(started - (Date.now() / 1000 - process.uptime())) < 5, String(started))
    const lagging = createMetrics({ service: 'test' })
    const other = createMetrics({ service: 'test' })
    lagging.include(async () =>
      (await other.snapshot()).map((metric) =>
        metric.name === 'nodejs_eventloop_lag_p99_seconds'
          ? { ...metric, values: metric.values.map((value) => ({ ...value, value: 1_000 })) }
          : metric,
      ),
    )
    assert.deepEqual(await seriesOf(lagging, 'nodejs_eventloop_lag_p99_seconds'), [
      'nodejs_eventloop_lag_p99_seconds{service="test"} 1000',
    ])
  })

  test('names its labels and takes what is in memory when it is asked for, in each thread', async () => {
    const { page, threads } = setUpThreads()
    for (const { metrics, sum } of threads) metrics.beforeExposing(() => sum.set({}, 5))
    assert.deepEqual(await seriesOf(page, 'sum'), ['sum 15'])
    assert.ok((await page.expose()).text.includes('\n# LABELS sealcast_build_info version service\n'))
  })

  test('is none where a thread does not answer', async () => {
    const { page } = setUpThreads()
    page.include(async () => {
      throw new Error('silent')
    })
    await assert.rejects(page.expose(), /silent/)
  })
})

/** The first one's page is the process's. */
function setUpThreads() {
  const threads = [1, 2, 3].map(() => {
    const metrics = createMetrics({ service: 'test' })
    return {
      metrics,
      counter: metrics.counter('x_total', 'help', ['a']),
      histogram: metrics.histogram('y_seconds', 'help', [1, 2]),
      highest: metrics.gauge('high', 'help'),
      sum: metrics.gauge('sum', 'help', [], { threads: 'sum' }),
    }
  })
  const page = threads[0]?.metrics ?? assert.fail()
  // As it goes from thread to thread.
  for (const { metrics } of threads.slice(1)) page.include(async () => structuredClone(await metrics.snapshot()))
  return { page, threads }
}

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
