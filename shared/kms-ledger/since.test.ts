import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { parseCountText, wholeMonth } from './count-text.ts'
import { exactSince } from './since.ts'

const at = (day: number, hour = 0, minute = 0) => Date.UTC(2026, 0, day, hour, minute)

suite('exactSince()', () => {
  test('is the hour, the day or the month in which counts are known', () => {
    const hours = parseCountText('06T12=1 06T13=4', '2026-01')
    const days = parseCountText('05=9 06=2', '2026-01')
    assert.equal(exactSince([], at(6, 13, 20)), at(6, 13))
    assert.equal(exactSince(hours, at(6, 13, 20)), at(6, 13))
    assert.equal(exactSince([...hours, ...days], at(6, 13, 20)), at(6))
    assert.equal(exactSince([...hours, ...days], at(7)), at(7))
    assert.equal(exactSince([...hours, ...wholeMonth('3', '2026-01'), ...days], at(6, 13, 20)), at(1))
    assert.equal(exactSince(wholeMonth('3', '2025-12'), at(6)), at(6))
  })

  test('splits no count, and goes back no further than it must', () => {
    const spans = fc.array(
      fc.oneof(
        fc.tuple(fc.integer({ min: 1, max: 31 }), fc.integer({ min: 0, max: 23 })).map(([day, hour]) => ({
          from: at(day, hour),
          until: at(day, hour + 1),
        })),
        fc.integer({ min: 1, max: 31 }).map((day) => ({ from: at(day), until: at(day + 1) })),
      ),
    )
    fc.assert(
      fc.property(spans, fc.integer({ min: at(1), max: at(32) - 1 }), (counts, asked) => {
        const since = exactSince(counts, asked)
        assert.ok(since <= asked && asked - since < 24 * 3_600_000)
        assert.ok(counts.every(({ from, until }) => from >= since || until <= since))
      }),
    )
  })
})
