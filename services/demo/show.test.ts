import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { endOf, sideBySide } from './show.ts'

suite('endOf()', () => {
  test('cuts no escape in two', () => {
    assert.equal(endOf(String.raw`ab\xe7\"c`, 7), String.raw`\xe7\"c`)
    assert.equal(endOf(String.raw`ab\xe7\"c`, 6), String.raw`\"c`)
    assert.equal(endOf(String.raw`a\\xe7`, 5), String.raw`\\xe7`)
    assert.equal(endOf(String.raw`a\\xe7`, 4), 'xe7')
  })

  test('gives all of what is short', () => {
    assert.equal(endOf('(nothing)', 66), '(nothing)')
  })
})

suite('sideBySide()', () => {
  test('cuts what is too long and lines the columns up', () => {
    const text = sideBySide(
      ['left', 'right'],
      [
        ['a', 'b'],
        ['123456', '123456789'],
      ],
      [5, 7],
    )
    assert.deepEqual(text.split('\n'), ['  left  | right', '  ------+--------', '  a     | b', '  12... | 1234...'])
  })
})
