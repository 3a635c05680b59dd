import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createFakeClock } from '#shared/clock'
import { CONFIRMATION_BURST, CONFIRMATIONS_PER_SECOND, createConfirmationLimiter } from './confirmation-limiter.ts'

const VICTIM = 'https://victim.example:443'

suite('createConfirmationLimiter()', () => {
  test('lets a burst through, then says how long to wait', () => {
    const { limiter, take } = setup()
    assert.equal(take(VICTIM, CONFIRMATION_BURST + 50), CONFIRMATION_BURST)
    assert.equal(limiter.waitMs(VICTIM), 1000 / CONFIRMATIONS_PER_SECOND)
  })

  test('allows one more exactly when the wait is over', () => {
    const { clock, limiter, take } = setup()
    take(VICTIM, CONFIRMATION_BURST)
    clock.advance(limiter.waitMs(VICTIM) - 1)
    assert.equal(limiter.tryTake(VICTIM), false)
    assert.equal(limiter.waitMs(VICTIM), 1)
    clock.advance(1)
    assert.equal(limiter.waitMs(VICTIM), 0)
    assert.equal(limiter.tryTake(VICTIM), true)
    assert.equal(limiter.tryTake(VICTIM), false)
  })

  test('never lets more through than the burst and the rate, whatever is asked when', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 1, max: 200 })), { maxLength: 50 }),
        (steps) => {
          const { clock, limiter, take } = setup()
          let allowed = 0
          let elapsedMs = 0
          for (const [pauseMs, wanted] of steps) {
            clock.advance(pauseMs)
            elapsedMs += pauseMs
            allowed += take(VICTIM, wanted)
            assert.ok(allowed <= CONFIRMATION_BURST + (elapsedMs * CONFIRMATIONS_PER_SECOND) / 1000)
            // Waiting as long as it says is always enough.
            const waitMs = limiter.waitMs(VICTIM)
            clock.advance(waitMs)
            elapsedMs += waitMs
            assert.equal(limiter.waitMs(VICTIM), 0)
          }
        },
      ),
    )
  })

  test('counts each origin by itself', () => {
    const { limiter, take } = setup()
    take(VICTIM, CONFIRMATION_BURST)
    for (const other of ['http://victim.example:443', 'https://victim.example:8443', 'https://other.example:443']) {
      assert.equal(limiter.tryTake(other), true, other)
    }
  })

  test('takes nothing by being asked how long to wait', () => {
    const { limiter, take } = setup()
    for (let n = 0; n < 1_000; n++) assert.equal(limiter.waitMs(VICTIM), 0)
    assert.equal(take(VICTIM, CONFIRMATION_BURST + 1), CONFIRMATION_BURST)
  })

  test('forgets the origin that was asked for longest ago, and no more than it must', () => {
    const { limiter, take } = setup({ maxOrigins: 3 })
    take(VICTIM, CONFIRMATION_BURST)
    for (let n = 0; n < 10; n++) {
      limiter.tryTake(`https://other-${n}.example`)
      // A refused request keeps it remembered.
      assert.equal(limiter.tryTake(VICTIM), false)
    }
    for (let n = 0; n < 3; n++) limiter.tryTake(`https://other-${n}.example`)
    assert.equal(limiter.tryTake(VICTIM), true)
  })

  test('gives nothing for a clock that is set back', () => {
    const { clock, limiter, take } = setup()
    take(VICTIM, CONFIRMATION_BURST)
    clock.advance(-60_000)
    assert.equal(limiter.tryTake(VICTIM), false)
    clock.advance(20)
    assert.equal(limiter.tryTake(VICTIM), true)
  })
})

function setup(bounds: { maxOrigins?: number } = {}) {
  const clock = createFakeClock()
  const limiter = createConfirmationLimiter({ clock, ...bounds })
  return {
    clock,
    limiter,
    /** @returns how many of `wanted` were allowed */
    take: (origin: string, wanted: number) =>
      Array.from({ length: wanted }).filter(() => limiter.tryTake(origin)).length,
  }
}
