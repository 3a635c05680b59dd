import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { columnWidths } from './column-widths.ts'

suite('columnWidths()', () => {
  test('takes the widest cell of each column, however many rows and cells there are', () => {
    assert.deepEqual(columnWidths([]), [])
    assert.deepEqual(columnWidths([['a', 'bbb'], ['aaaa'], ['', 'b', 'cc']]), [4, 3, 2])
    const many = Array.from({ length: 300_000 }, (_, n) => [String(n)])
    assert.deepEqual(columnWidths(many), [6])
  })
})
