import assert from 'node:assert/strict'
import { createHistogram } from 'node:perf_hooks'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createLatencyHistogram, percentileCurve } from './histogram.ts'
import { percentile } from './statistics.ts'

const micros = fc.array(fc.integer({ min: 1, max: 3_000_000_000 }), { minLength: 1, maxLength: 300 })

suite('createLatencyHistogram()', () => {
  test('gives each percentile to three digits', () => {
    fc.assert(
      fc.property(micros, fc.constantFrom(0.5, 0.9, 0.99, 0.999, 1), (values, share) => {
        const histogram = createLatencyHistogram()
        for (const value of values) histogram.recordMs(value / 1000)
        const exact = percentile(values, share) / 1000
        const given = histogram.percentileMs(share)
        assert.ok(given >= exact * 0.999 && given <= exact * 1.001, `${given} for ${exact}`)
        assert.equal(histogram.count, values.length)
      }),
    )
  })

  test("agrees with Node's HDR histogram where both take the same rank", () => {
    const ours = createLatencyHistogram()
    const nodes = createHistogram({ highest: 3_600_000_000, figures: 3 })
    for (let value = 1; value <= 1_000_000; value += 997) {
      ours.recordMs(value / 1000)
      nodes.record(value)
    }
    for (const share of [0.1, 0.5, 0.9, 0.99, 1]) {
      const theirs = nodes.percentile(share * 100) / 1000
      assert.ok(Math.abs(ours.percentileMs(share) - theirs) <= theirs * 0.002 + 1, `${share}`)
    }
  })

  test('counts the same whether values are recorded in one or added up from several', () => {
    fc.assert(
      fc.property(micros, micros, (some, others) => {
        const [one, other, all] = [createLatencyHistogram(), createLatencyHistogram(), createLatencyHistogram()]
        for (const value of some) one.recordMs(value / 1000)
        for (const value of others) other.recordMs(value / 1000)
        for (const value of [...some, ...others]) all.recordMs(value / 1000)
        // As it comes over IPC.
        one.add(JSON.parse(JSON.stringify(other.counts())))
        assert.deepEqual(one.counts(), all.counts())
        assert.equal(one.percentileMs(0.9), all.percentileMs(0.9))
        assert.equal(one.count, all.count)
      }),
    )
  })

  test('never says less than the longest value at the last percentile, nor more', () => {
    const histogram = createLatencyHistogram()
    for (const ms of [1, 2, 7_777.777]) histogram.recordMs(ms)
    assert.equal(histogram.percentileMs(1), 7_777.777)
    assert.equal(histogram.maxMs(), 7_777.777)
  })

  test('has no percentile of nothing, and takes what a clock may give', () => {
    const histogram = createLatencyHistogram()
    assert.ok(Number.isNaN(histogram.percentileMs(0.5)) && Number.isNaN(histogram.meanMs()))
    histogram.recordMs(-1)
    histogram.recordMs(Number.NaN)
    histogram.recordMs(1e12)
    assert.equal(histogram.percentileMs(0.5), 0)
    assert.equal(histogram.maxMs(), 3_600_000)
    histogram.reset()
    assert.equal(histogram.count, 0)
    assert.throws(() => histogram.percentileMs(0), RangeError)
  })
})

suite('percentileCurve()', () => {
  test('ascends, and goes no further than the values can tell', () => {
    const histogram = createLatencyHistogram()
    for (let ms = 1; ms <= 1000; ms++) histogram.recordMs(ms)
    const curve = percentileCurve(histogram)
    assert.ok(
      curve.every(
        ([share, ms], at) => at === 0 || (share > (curve[at - 1]?.[0] ?? 1) && ms >= (curve[at - 1]?.[1] ?? 0)),
      ),
    )
    assert.ok((curve.at(-1)?.[0] ?? 0) <= 0.999)
    assert.deepEqual(percentileCurve(createLatencyHistogram()), [])
  })
})
