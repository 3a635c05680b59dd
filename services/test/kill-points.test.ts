import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { killPointOf } from './kill-points.ts'

suite('killPointOf()', () => {
  test('gives the same point for the same seed', () => {
    assert.deepEqual(killPointOf(42), killPointOf(42))
  })

  test('meets every script of a worker before and after, in any sixteen seeds in a row', () => {
    for (const from of [0, 7, 1000]) {
      const points = Array.from({ length: 16 }, (_, at) => killPointOf(from + at))
      assert.equal(new Set(points.map(({ script, when }) => `${script} ${when}`)).size, 16)
      assert.ok(points.every(({ nth }) => nth >= 1 && nth <= 8))
    }
  })
})
