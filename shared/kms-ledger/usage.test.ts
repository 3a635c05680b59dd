import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type PairCalls, usageOf } from './usage.ts'

const reuseMs = 300_000
const principal = 'arn:aws:iam::000000000000:user/alice'

suite('usageOf()', () => {
  test('gives a steady publisher twice its periods, and a ratio of one', () => {
    const usage = usageOf(pair({ issue: 8_928, deliver: 8_928, first: 0, last: 8_927 * reuseMs }), { reuseMs })
    assert.deepEqual(usage, {
      principal,
      keys: 8_928,
      generate: 8_928,
      byPurpose: { deliver: 8_928 },
      failed: 0,
      total: 17_856,
      periods: 8_928,
      predicted: 17_856,
      ratio: 1,
    })
  })

  test('counts periods in which a publisher was idle, and so shows that it cost less', () => {
    const { predicted, ratio } = usageOf(pair({ issue: 2, deliver: 2, first: 0, last: 19 * reuseMs }), { reuseMs })
    assert.deepEqual([predicted, ratio], [40, 0.1])
  })

  test('counts a period that has begun, and one from the moment it is over', () => {
    for (const [last, periods] of [
      [0, 1],
      [reuseMs - 1, 1],
      [reuseMs, 2],
      // Gateways' clocks differ.
      [-5, 1],
    ] as const) {
      assert.equal(usageOf(pair({ issue: 1, deliver: 1, first: 0, last }), { reuseMs }).periods, periods)
    }
  })

  test('expects nothing of a publisher to whom no key was issued', () => {
    const denied: PairCalls = {
      principal,
      calls: [{ operation: 'GenerateDataKey', purpose: 'issue', isOk: false, count: 3 }],
      issued: undefined,
    }
    const { keys, generate, failed, total, periods, ratio } = usageOf(denied, { reuseMs })
    assert.deepEqual(
      { keys, generate, failed, total, periods, ratio },
      {
        keys: 0,
        generate: 3,
        failed: 3,
        total: 3,
        periods: 0,
        ratio: undefined,
      },
    )
  })
})

function pair(o: { issue: number; deliver: number; first: number; last: number }): PairCalls {
  return {
    principal,
    calls: [
      { operation: 'GenerateDataKey', purpose: 'issue', isOk: true, count: o.issue },
      { operation: 'Decrypt', purpose: 'deliver', isOk: true, count: o.deliver },
    ],
    issued: { first: o.first, last: o.last },
  }
}
