import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { judge, type Limits, type Measured } from './judge.ts'

const LIMITS: Limits = { maxErrors: 0, minAchieved: 0.95, maxP99: 0, maxEndToEndP99: 0, maxLate: 25 }

function measured(o: Partial<Measured> = {}): Measured {
  return {
    account: {
      offered: 1000,
      accepted: 1000,
      unknown: 0,
      published: 1000,
      appended: 1000,
      owed: 0,
      deliveries: 0,
      duplicates: 0,
      lost: 0,
      uninvited: 0,
      strange: 0,
    },
    offeredRate: 100,
    achievedRate: 100,
    publishP99Ms: 5,
    endToEndP99Ms: Number.NaN,
    lateP99Ms: 1,
    generatorCores: 0.4,
    failed: 0,
    firstError: undefined,
    growths: [],
    ...o,
  }
}

suite('judge()', () => {
  test('passes what was kept, and says when a signal ended it', () => {
    assert.deepEqual(judge(measured(), LIMITS, false), { outcome: 'passed', interrupted: false, reasons: [] })
    assert.deepEqual(judge(measured(), LIMITS, true), { outcome: 'passed', interrupted: true, reasons: [] })
  })

  test('says nothing of the broker when a run was ended before its measured span, whatever the limits', () => {
    for (const offeredRate of [Number.NaN, 0, -0]) {
      const nothing = { offeredRate, achievedRate: offeredRate, publishP99Ms: Number.NaN, lateP99Ms: Number.NaN }
      const { outcome, reasons } = judge(measured(nothing), { ...LIMITS, minAchieved: 0, maxP99: 10 }, true)
      assert.equal(outcome, 'invalid')
      assert.deepEqual(reasons.length, 1)
      assert.match(reasons[0] ?? '', /^Nothing was measured/)
    }
  })

  const misses: [string, Partial<Measured>, Partial<Limits>, RegExp][] = [
    ['errors', { failed: 1, firstError: 'ThrottledException' }, {}, /1 of 1,000 messages.*ThrottledException/],
    ['a rate that was not reached', { achievedRate: 94 }, {}, /94\/s were reached of the 100\/s/],
    ['a slow p99', {}, { maxP99: 4 }, /p99 of publishing is 5 ms; 4 ms/],
    ['a p99 of nothing', {}, { maxEndToEndP99: 4 }, /p99 to the subscriber is –/],
    [
      'growth',
      {
        growths: [
          { name: 'worker', slope: { perHour: 2 ** 25, leastPerHour: 2 ** 24, from: 0, rise: 1 }, isGrowing: true },
        ],
      },
      {},
      /Memory of worker grows: 32 MiB\/h, and surely by more than 16 MiB\/h/,
    ],
  ]
  for (const [what, o, limits, reason] of misses) {
    test(`fails ${what}`, () => {
      const verdict = judge(measured(o), { ...LIMITS, ...limits }, false)
      assert.equal(verdict.outcome, 'failed')
      assert.match(verdict.reasons.join('\n'), reason)
    })
  }

  test('takes errors, lower rates and slow answers that were allowed', () => {
    const limits = { ...LIMITS, maxErrors: 0.01, minAchieved: 0.5, maxP99: 6 }
    assert.equal(judge(measured({ failed: 10, achievedRate: 60 }), limits, false).outcome, 'passed')
  })

  test('draws no conclusion about the broker when the generator was the limit', () => {
    for (const o of [{ lateP99Ms: 26 }, { generatorCores: 1.3 }]) {
      const verdict = judge(measured({ ...o, achievedRate: 10 }), LIMITS, false)
      assert.equal(verdict.outcome, 'invalid')
      assert.match(verdict.reasons.join('\n'), /generator was the limit[\s\S]*were reached of/)
    }
  })

  test('fails a loss even then', () => {
    const account = { ...measured().account, owed: 1000, lost: 1 }
    assert.equal(judge(measured({ account, lateP99Ms: 100 }), LIMITS, false).outcome, 'failed')
  })
})
