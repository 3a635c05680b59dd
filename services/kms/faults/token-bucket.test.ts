import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createTokenBucket } from './token-bucket.ts'

suite('createTokenBucket()', () => {
  test('starts full', () => {
    const bucket = createTokenBucket({ ratePerSecond: 1, burst: 3, now: 0 })
    assert.deepEqual(take(bucket, [0, 0, 0, 0]), [true, true, true, false])
  })

  test('lets 1,100 of 2,000 pass in ten seconds at a rate and burst of 100', () => {
    const bucket = createTokenBucket({ ratePerSecond: 100, burst: 100, now: 0 })
    const passed = Array.from({ length: 2_000 }, (_, n) => bucket.take(n * 5)).filter(Boolean).length
    assert.ok(passed >= 1_095 && passed <= 1_100, String(passed))
  })

  test('holds no more than the burst, however long nobody asks', () => {
    const bucket = createTokenBucket({ ratePerSecond: 1_000, burst: 2, now: 0 })
    assert.deepEqual(take(bucket, [60_000, 60_000, 60_000]), [true, true, false])
  })

  test('refills by fractions', () => {
    const bucket = createTokenBucket({ ratePerSecond: 0.5, burst: 1, now: 0 })
    assert.deepEqual(take(bucket, [0, 1_000, 1_999, 2_000]), [true, false, false, true])
  })

  test('gives nothing for a clock that is set back', () => {
    const bucket = createTokenBucket({ ratePerSecond: 1, burst: 1, now: 10_000 })
    assert.deepEqual(take(bucket, [10_000, 5_000, 5_999, 6_000]), [true, false, false, true])
  })
})

function take(bucket: { take(now: number): boolean }, times: readonly number[]): boolean[] {
  return times.map((now) => bucket.take(now))
}
