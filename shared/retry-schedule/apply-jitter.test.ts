import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { applyJitter } from './apply-jitter.ts'

suite('applyJitter()', () => {
  test('takes away a tenth at most and never adds', () => {
    assert.equal(applyJitter(20_000, 0), 20_000)
    assert.equal(applyJitter(20_000, 0.5), 19_000)
    assert.equal(applyJitter(20_000, 0.999999), 18_000)
    assert.equal(applyJitter(0, 0.7), 0)
  })
})
