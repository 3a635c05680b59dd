import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isConfirmed } from './is-confirmed.ts'

suite('isConfirmed()', () => {
  for (const [what, members, receivers, selfReceives, acknowledged, expected] of [
    ['alone', ['a'], 1, true, ['a'], true],
    ['alone, own uses not ended', ['a'], 1, true, [], false],
    ['alone and deaf', ['a'], 0, false, ['a'], true],
    ['nobody on the list', [], 1, true, ['a'], true],
    ['another has not answered', ['a', 'b'], 2, true, ['a'], false],
    ['all have answered', ['a', 'b'], 2, true, ['a', 'b'], true],
    ['one that the notice did not reach', ['a', 'b'], 1, true, ['a'], false],
    ['an answer of one not on the list is none of one on it', ['a', 'b'], 2, true, ['a', 'c'], false],
    ['one that was taken off the list has not answered', ['a'], 2, true, ['a'], false],
    ['one that was taken off the list has answered', ['a'], 2, true, ['a', 'b'], true],
    ['one taken off the list, and deaf', ['a'], 1, false, ['a'], false],
    ['a cluster counts fewer', ['a', 'b', 'c'], 1, true, ['a', 'b', 'c'], true],
  ] as const) {
    test(what, () => {
      assert.equal(isConfirmed({ members, receivers, selfReceives, acknowledged: new Set(acknowledged) }), expected)
    })
  }
})
