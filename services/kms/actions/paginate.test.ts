import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { InvalidMarkerError } from '../errors.ts'
import { paginate } from './paginate.ts'

suite('paginate()', () => {
  test('gives every item once over all pages, whatever the limit', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string()), fc.integer({ min: 1, max: 9 }), (texts, limit) => {
        const items = texts.filter((text) => text.isWellFormed()).sort()
        const seen: string[] = []
        let marker: string | undefined
        do {
          const { page, next } = paginate(items, { operation: 'ListKeys', limit, marker, keyOf: (item) => item })
          assert.equal(next.Truncated, next.NextMarker !== undefined)
          seen.push(...page)
          marker = next.NextMarker
        } while (marker !== undefined)
        assert.deepEqual(seen, items)
      }),
    )
  })

  test('goes on behind an item that has gone meanwhile', () => {
    const { next } = paginate(['a', 'b', 'c'], { ...LIST, marker: undefined })
    assert.deepEqual(paginate(['a', 'c'], { ...LIST, marker: next.NextMarker }).page, ['c'])
  })

  test('refuses markers it did not give out, and those of another operation', () => {
    const { next } = paginate(['a', 'b', 'c'], { ...LIST, operation: 'ListAliases', marker: undefined })
    for (const marker of ['x', '', '????', next.NextMarker, `${Buffer.from('ListKeys:b').toString('base64url')}=`]) {
      assert.throws(() => paginate(['a'], { ...LIST, marker }), InvalidMarkerError, marker)
    }
  })
})

const LIST = { operation: 'ListKeys', limit: 2, keyOf: (item: string) => item }
