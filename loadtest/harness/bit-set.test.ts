import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createBitSet } from './bit-set.ts'

suite('createBitSet()', () => {
  test('holds what a Set would, and comes back from text', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50_000 })), (numbers) => {
        const bits = createBitSet()
        const set = new Set<number>()
        for (const number of numbers) {
          assert.equal(bits.add(number), !set.has(number))
          set.add(number)
        }
        for (const copy of [bits, createBitSet(bits.toText())]) {
          assert.equal(copy.size, set.size)
          for (const number of [...numbers, 7, 50_001, 10_000_000]) assert.equal(copy.has(number), set.has(number))
        }
      }),
    )
  })
})
