import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { Framed, frame, hashParts, type Part, withFrame } from './index.ts'

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

suite('withFrame()', () => {
  test('lends the bytes of frame(), whatever was framed ahead and however long they are', () => {
    const part = fc.oneof(
      fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }),
      fc.uint8Array(),
      // Two, three and four bytes each, around and beyond what the lent memory holds.
      fc.constantFrom('é'.repeat(2_000), '€'.repeat(2_728), '€'.repeat(2_740), '😀'.repeat(2_050), 'a'.repeat(9_000)),
    )
    const run = fc.record({ parts: fc.array(part, { maxLength: 4 }), ahead: fc.boolean() })
    fc.assert(
      fc.property(fc.array(run, { maxLength: 4 }), (runs) => {
        const parts = runs.flatMap(({ parts, ahead }): Part[] => (ahead ? [new Framed(parts)] : parts))
        const expected = frame(runs.flatMap(({ parts }) => parts))
        assert.ok(frame(parts).equals(expected))
        assert.ok(withFrame(parts, (framed) => framed.equals(expected)))
        assert.equal(hashParts(parts).toString('hex'), createHash('sha256').update(expected).digest('hex'))
      }),
    )
  })

  test('refuses what is no part, as frame() does', () => {
    for (const wrong of [5, true, {}, ['a']]) {
      const parts = JSON.parse(JSON.stringify(['a', wrong]))
      assert.throws(() => frame(parts), { code: 'ERR_OUT_OF_RANGE' })
      assert.throws(() => withFrame(parts, (framed) => framed.byteLength), { code: 'ERR_OUT_OF_RANGE' })
      assert.throws(() => hashParts(parts), { code: 'ERR_OUT_OF_RANGE' })
    }
  })

  test('keeps what was framed ahead apart from the memory that others share', () => {
    const { bytes } = new Framed(['a'])
    assert.equal(bytes.buffer.byteLength, bytes.byteLength)
  })

  test('lends bytes that stay while others are framed, and after a use that failed', () => {
    const outer = withFrame(['outer'], (framed) => {
      withFrame(['inner'], (inner) => assert.deepEqual(inner, frame(['inner'])))
      return Buffer.from(framed)
    })
    assert.deepEqual(outer, frame(['outer']))
    assert.throws(() => withFrame(['a'], () => assert.fail('of its user')), { message: 'of its user' })
    assert.deepEqual(withFrame(['b'], Buffer.from), frame(['b']))
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
