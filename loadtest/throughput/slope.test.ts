import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { slopeOf } from './slope.ts'

const seconds = Array.from({ length: 360 }, (_, index) => index * 10)

suite('slopeOf()', () => {
  test('finds a straight line, and is sure of it', () => {
    const slope = slopeOf(seconds.map((at) => [at, 1_000 + at / 36]))
    assert.ok(slope !== undefined)
    assert.ok(Math.abs(slope.perHour - 100) < 1e-6)
    assert.ok(Math.abs(slope.leastPerHour - 100) < 1e-3)
    assert.ok(Math.abs(slope.from - 1_000) < 1e-6)
    assert.ok(Math.abs(slope.rise - 3_590 / 36) < 1e-6)
  })

  test('is not sure that a sawtooth grows, and is when it does', () => {
    const saw = (at: number) => (at % 170) / 10
    const level = slopeOf(seconds.map((at) => [at, saw(at)]))
    assert.ok(level !== undefined && level.leastPerHour < 0)
    const rising = slopeOf(seconds.map((at) => [at, saw(at) + at / 60]))
    assert.ok(rising !== undefined && rising.leastPerHour > 40 && rising.perHour < 70)
  })

  test('trusts many alike samples no more than the few they amount to', () => {
    // Steps that last as long as a tenth of the run: hundreds of samples, ten things said.
    const heights = [3, 9, 1, 8, 5, 2, 7, 9, 4, 8]
    const steps = slopeOf(seconds.map((at, index) => [at, heights[Math.floor(index / 36)] ?? 0]))
    assert.ok(steps !== undefined && steps.perHour > 0 && steps.leastPerHour < 0)
  })

  test('says nothing of fewer than two points, and is not sure of two', () => {
    assert.equal(slopeOf([]), undefined)
    assert.equal(slopeOf([[1, 1]]), undefined)
    assert.equal(
      slopeOf([
        [1, 1],
        [1, 2],
      ]),
      undefined,
    )
    assert.equal(
      slopeOf([
        [0, Number.NaN],
        [1, 1],
      ]),
      undefined,
    )
    assert.ok(
      Number.isNaN(
        slopeOf([
          [0, 0],
          [3600, 5],
        ])?.leastPerHour,
      ),
    )
  })
})
