import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { hourOf, parseCountText, wholeMonth } from './count-text.ts'

suite('parseCountText()', () => {
  test('reads days and hours in UTC', () => {
    assert.deepEqual(parseCountText('03=96 28T23=12', '2026-02'), [
      { from: Date.UTC(2026, 1, 3), until: Date.UTC(2026, 1, 4), count: 96 },
      { from: Date.UTC(2026, 1, 28, 23), until: Date.UTC(2026, 2, 1), count: 12 },
    ])
    assert.equal(hourOf(Date.UTC(2026, 1, 28, 23, 59)), '28T23')
  })

  test('takes none of a text that is not whole, or not of that month', () => {
    for (const text of [
      '',
      '7',
      '00=1',
      '29=1',
      '03=0',
      '03=-1',
      '03T24=1',
      '03T1=1',
      '03=1  04=1',
      '03=1\n',
      '03=1 x',
    ]) {
      assert.deepEqual(parseCountText(text, '2026-02'), [], JSON.stringify(text))
    }
  })

  test('takes none of a text that is longer than a month can be told of', () => {
    const text = (parts: number) => Array(parts).fill('03T01=1').join(' ')
    assert.equal(parseCountText(text(2_048), '2026-02').length, 2_048)
    assert.equal(parseCountText(text(2_049), '2026-02').length, 0)
  })

  test('takes any text, and gives on only counts within the month', () => {
    const part = fc.tuple(fc.nat(40), fc.option(fc.nat(30)), fc.nat(1e6)).map(([day, hour, count]) => {
      const two = (n: number) => String(n).padStart(2, '0')
      return `${two(day)}${hour === null ? '' : `T${two(hour)}`}=${count}`
    })
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(part).map((parts) => parts.join(' ')),
    )
    fc.assert(
      fc.property(text, (text) => {
        for (const { from, until, count } of parseCountText(text, '2026-01')) {
          assert.ok(from >= Date.UTC(2026, 0) && from < until && until <= Date.UTC(2026, 1))
          assert.ok(Number.isSafeInteger(count) && count > 0)
        }
      }),
    )
  })
})

suite('wholeMonth()', () => {
  test('reads the one number of older ledgers', () => {
    assert.deepEqual(wholeMonth('7', '2026-12'), [{ from: Date.UTC(2026, 11), until: Date.UTC(2027, 0), count: 7 }])
    for (const text of ['', '-1', '1e9', '0', 'x']) assert.deepEqual(wholeMonth(text, '2026-12'), [])
  })
})
