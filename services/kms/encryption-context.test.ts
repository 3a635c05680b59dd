import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { canonicalContext } from './encryption-context.ts'

suite('canonicalContext()', () => {
  test('has the frozen bytes for one known context', () => {
    assert.equal(
      canonicalContext(
        new Map([
          ['b', 'é'],
          ['a', ''],
        ]),
      ).toString('hex'),
      '0000000132' + '0000000161' + '00000000' + '0000000162' + '00000002c3a9',
    )
  })

  test('has the frozen bytes for no context', () => {
    assert.equal(canonicalContext(new Map()).toString('hex'), '0000000130')
  })

  test('does not depend on the order of pairs', () => {
    fc.assert(
      fc.property(contexts(), (pairs) => {
        assert.deepEqual(canonicalContext(new Map(pairs)), canonicalContext(new Map(pairs.toReversed())))
      }),
    )
  })

  test('sorts by UTF-8 bytes, where JavaScript would sort by UTF-16 units', () => {
    // U+FF5E is EF BD 9E, U+1F600 is F0 9F 98 80; in UTF-16 the second comes first (D83D).
    const bytes = canonicalContext(
      new Map([
        ['\u{1F600}', '2'],
        ['\uFF5E', '1'],
      ]),
    )
    assert.ok(bytes.indexOf('\uFF5E') < bytes.indexOf('\u{1F600}'))
  })

  test('keeps the boundary of key and value: {ab: c} and {a: bc} differ', () => {
    assert.notDeepEqual(canonicalContext(new Map([['ab', 'c']])), canonicalContext(new Map([['a', 'bc']])))
  })

  test('gives different bytes for different contexts', () => {
    fc.assert(
      fc.property(contexts(), contexts(), (a, b) => {
        const same = JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
        assert.equal(canonicalContext(new Map(a)).equals(canonicalContext(new Map(b))), same)
      }),
    )
  })
})

function contexts() {
  const text = fc.string({ unit: 'grapheme', maxLength: 4 })
  return fc.uniqueArray(fc.tuple(text, text), { maxLength: 4, selector: ([key]) => key })
}

function sorted(pairs: [string, string][]): [string, string][] {
  return pairs.toSorted(([a], [b]) => (a < b ? -1 : 1))
}
