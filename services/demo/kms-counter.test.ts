import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { servedBetween } from './kms-counter.ts'

suite('servedBetween()', () => {
  test('counts what came since, new operations included, and leaves the others out', () => {
    const before = new Map([
      ['CreateKey', 1],
      ['Decrypt', 4],
    ])
    const after = new Map([
      ['CreateKey', 1],
      ['Decrypt', 5],
      ['GenerateDataKey', 1],
    ])
    assert.deepEqual(
      [...servedBetween(before, after)],
      [
        ['Decrypt', 1],
        ['GenerateDataKey', 1],
      ],
    )
  })
})
