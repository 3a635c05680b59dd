import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { seriesByLabels } from './series-by-labels.ts'

suite('seriesByLabels()', () => {
  test('makes a series once for the values of its labels, and another for others', () => {
    const made: object[] = []
    const seriesOf = seriesByLabels(['a', 'b', 'c'], (values) => made.push(values))
    fc.assert(
      fc.property(fc.array(fc.record({ a: text, b: text, c: text })), (all) => {
        made.length = 0
        const seen = new Set<string>()
        for (const { a, b, c } of all) {
          const before = made.length
          // In another order, and with something else.
          seriesOf({ c, more: 'x', b, a } as never)
          const key = JSON.stringify([a, b, c])
          if (made.length > before) assert.deepEqual(made.at(-1), { a, b, c })
          seen.add(key)
        }
        assert.ok(made.length <= seen.size)
      }),
    )
  })

  test('tells values apart that look alike when joined', () => {
    const seriesOf = seriesByLabels(['a', 'b'], (values) => values)
    fc.assert(
      fc.property(text, text, text, text, (a, b, c, d) => {
        assert.deepEqual(seriesOf({ a, b }), { a, b })
        assert.deepEqual(seriesOf({ a: c, b: d }), { a: c, b: d })
        assert.equal(seriesOf({ a, b }), seriesOf({ a, b }))
      }),
    )
  })

  test('has one series where there are no labels', () => {
    const seriesOf = seriesByLabels([], () => ({}))
    assert.equal(seriesOf({}), seriesOf({}))
  })
})

/** Short ones of few letters, so that joined ones often look alike. */
const text = fc.string({ unit: fc.constantFrom('a', '1', ':'), maxLength: 4 })
