import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { frame, hashParts, type Part } from './index.ts'

suite('frame()', () => {
  test('keeps part boundaries: {ab, c} and {a, bc} differ', () => {
    assert.notDeepEqual(frame(['ab', 'c']), frame(['a', 'bc']))
  })

  test('tells an absent part from an empty one', () => {
    assert.notDeepEqual(frame([undefined]), frame(['']))
  })

  test('has the frozen layout: length as 32 bits big endian, then the bytes', () => {
    assert.equal(frame(['hé', undefined, Buffer.from([1])]).toString('hex'), '0000000368c3a9ffffffff0000000101')
  })

  test('gives different bytes for different lists', () => {
    const parts = fc.array(fc.option(fc.string({ unit: 'grapheme', maxLength: 6 }), { nil: undefined }), {
      maxLength: 5,
    })
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        assert.equal(frame(a).equals(frame(b)), sameParts(a, b))
      }),
    )
  })
})

suite('hashParts()', () => {
  test('has the frozen value for one known list', () => {
    assert.equal(
      hashParts(['a', 'bc']).toString('hex'),
      'b534ce16ac9c8b36823f39a395ce8e0e3c7ad9605b82b5444f18cadacd217a5d',
    )
  })
})

function sameParts(a: readonly Part[], b: readonly Part[]): boolean {
  return a.length === b.length && a.every((part, at) => part === b[at])
}
