import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { worstOf } from './report.ts'

suite('worstOf()', () => {
  test('is refused before unknown before allowed, in any order', () => {
    assert.equal(worstOf([]), 'allowed')
    assert.equal(worstOf(['allowed', 'allowed']), 'allowed')
    for (const verdicts of [
      ['unknown', 'allowed'],
      ['allowed', 'unknown'],
    ] as const) {
      assert.equal(worstOf(verdicts), 'unknown')
    }
    for (const verdicts of [
      ['refused', 'unknown', 'allowed'],
      ['allowed', 'unknown', 'refused'],
    ] as const) {
      assert.equal(worstOf(verdicts), 'refused')
    }
  })
})
