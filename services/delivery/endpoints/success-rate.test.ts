import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createFakeClock } from '#shared/clock'
import { createSuccessRate } from './success-rate.ts'

suite('createSuccessRate()', () => {
  test('is near the true rate of steady successes', () => {
    const clock = createFakeClock()
    const rate = createSuccessRate(clock)
    for (let n = 0; n < 200; n++) {
      clock.advance(5)
      rate.note()
    }
    assert.ok(Math.abs(rate.perSecond() - 200) < 10, String(rate.perSecond()))
  })

  test('is nothing before the first success and half a second after the last', () => {
    const clock = createFakeClock()
    const rate = createSuccessRate(clock)
    assert.equal(rate.perSecond(), 0)
    for (let n = 0; n < 100; n++) rate.note()
    assert.ok(rate.perSecond() > 0)
    clock.advance(500)
    assert.equal(rate.perSecond(), 0)
  })
})
