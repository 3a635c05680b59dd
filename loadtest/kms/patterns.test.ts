import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import {
  dueTimes,
  keepsPeriods,
  keysNeeded,
  type Lane,
  lanesOf,
  PATTERNS,
  periodsActive,
  periodsBegun,
  runMs,
} from './patterns.ts'

suite('lanesOf()', () => {
  test('has a lane for each publisher of each topic, spread over one period, patterns in turn', () => {
    const lanes = lanesOf({ publishers: [3, 5], patterns: ['steady', 'idle'], reuseSeconds: 4 })
    assert.deepEqual(
      lanes.map(({ topic, publisher, pattern, startsAtMs }) => `${topic}.${publisher} ${pattern} ${startsAtMs}`),
      [
        ...['0.0 steady 0', '0.1 idle 500', '0.2 steady 1000'],
        ...['1.0 idle 1500', '1.1 steady 2000', '1.2 idle 2500', '1.3 steady 3000', '1.4 idle 3500'],
      ],
    )
    assert.equal(runMs(lanes, { rate: 1, reuseSeconds: 4, periods: 3 }), 15_500)
  })
})

suite('dueTimes()', () => {
  test('of a steady publisher keep one gap, and end just before the last period does', () => {
    const times = dueTimes(lane('steady', 100), { rate: 20, reuseSeconds: 5, periods: 24 })
    assert.deepEqual(times.slice(0, 3), [100, 150, 200])
    assert.equal(times.at(-1), 100 + 120_000 - 550)
  })

  test('of an idle one are one in three periods', () => {
    assert.deepEqual(dueTimes(lane('idle', 7), { rate: 20, reuseSeconds: 2, periods: 7 }), [7, 6_007, 12_007])
  })

  test('of a bursty one fill half of every second period', () => {
    const times = dueTimes(lane('bursty', 0), { rate: 2, reuseSeconds: 2, periods: 4 })
    assert.deepEqual(times, [0, 500, 4_000, 4_500])
  })

  test('need as many keys as keysNeeded() says, when a key is replaced by the first message after its end', () => {
    const pace = fc.record({
      pattern: fc.constantFrom(...PATTERNS),
      rate: fc.integer({ min: 4, max: 100 }),
      reuseSeconds: fc.integer({ min: 1, max: 300 }),
      periods: fc.integer({ min: 1, max: 60 }),
    })
    fc.assert(
      fc.property(pace, ({ pattern, ...o }) => {
        fc.pre(keepsPeriods(o, 1) && o.rate * o.reuseSeconds * o.periods < 100_000)
        let keys = 0
        let endsAt = Number.NEGATIVE_INFINITY
        for (const at of dueTimes(lane(pattern, 0), o)) {
          if (at < endsAt) continue
          keys++
          endsAt = at + o.reuseSeconds * 1000
        }
        assert.equal(keys, keysNeeded(pattern, o.periods))
      }),
    )
  })
})

suite('keepsPeriods()', () => {
  test('is false where late replacements can add up to a period', () => {
    assert.equal(keepsPeriods({ rate: 20, reuseSeconds: 5, periods: 24 }, 4), true)
    assert.equal(keepsPeriods({ rate: 20, reuseSeconds: 1, periods: 24 }, 1), false)
    assert.equal(keepsPeriods({ rate: 1, reuseSeconds: 5, periods: 24 }, 1), false)
  })
})

suite('periodsBegun()', () => {
  test('counts a period from its first moment, and none after the last', () => {
    const pace = { rate: 1, reuseSeconds: 2, periods: 3 }
    const begun = [0, 499, 500, 2_499, 2_500, 6_499, 60_000].map((at) => periodsBegun(lane('steady', 500), pace, at))
    assert.deepEqual(begun, [0, 0, 1, 1, 2, 3, 3])
  })
})

suite('periodsActive()', () => {
  test('is the window, and longer only where the last answer came after it', () => {
    const pace = { rate: 1, reuseSeconds: 2, periods: 3 }
    const active = [0, 6_400, 6_500, 8_600].map((lastAnswerMs) =>
      periodsActive(lane('steady', 500), pace, { endedMs: 6_500, lastAnswerMs }),
    )
    assert.deepEqual(active, [3, 3, 4, 5])
  })
})

function lane(pattern: Lane['pattern'], startsAtMs: number): Lane {
  return { topic: 0, publisher: 0, pattern, startsAtMs }
}
