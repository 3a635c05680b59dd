import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { parseSubscriptionDeliveryPolicy } from './delivery-policy-parse.ts'
import { MAX_RETRIES, MAX_RETRY_SECONDS } from './limits.ts'
import { type BackoffFunction, type RetryPolicy, retryDelays, retryPhases } from './retry-delays.ts'

const SNS_DEFAULT: RetryPolicy = {
  minDelayTarget: 20,
  maxDelayTarget: 20,
  numRetries: 3,
  numNoDelayRetries: 0,
  numMinDelayRetries: 0,
  numMaxDelayRetries: 0,
  backoffFunction: 'linear',
}

suite('retryDelays()', () => {
  const tables: { name: string; policy: Partial<RetryPolicy>; delays: number[] }[] = [
    { name: "SNS's default", policy: {}, delays: [20, 20, 20] },
    { name: 'no retries', policy: { numRetries: 0 }, delays: [] },
    {
      name: 'linear',
      policy: { minDelayTarget: 10, maxDelayTarget: 50, numRetries: 5, backoffFunction: 'linear' },
      delays: [10, 20, 30, 40, 50],
    },
    {
      name: 'arithmetic',
      policy: { minDelayTarget: 10, maxDelayTarget: 50, numRetries: 5, backoffFunction: 'arithmetic' },
      delays: [10, 12.5, 20, 32.5, 50],
    },
    {
      name: 'geometric',
      policy: { minDelayTarget: 1, maxDelayTarget: 81, numRetries: 5, backoffFunction: 'geometric' },
      delays: [1, 3, 9, 27, 81],
    },
    {
      name: 'exponential, capped at the maximum',
      policy: { minDelayTarget: 1, maxDelayTarget: 10, numRetries: 6, backoffFunction: 'exponential' },
      delays: [1, 2, 4, 8, 10, 10],
    },
    {
      name: 'all four phases',
      policy: {
        minDelayTarget: 2,
        maxDelayTarget: 8,
        numRetries: 9,
        numNoDelayRetries: 2,
        numMinDelayRetries: 1,
        numMaxDelayRetries: 2,
        backoffFunction: 'linear',
      },
      delays: [0, 0, 2, 2, 4, 6, 8, 8, 8],
    },
    {
      name: 'a backoff phase of one step',
      policy: { minDelayTarget: 5, maxDelayTarget: 60, numRetries: 2, numNoDelayRetries: 1 },
      delays: [0, 5],
    },
    {
      name: 'no backoff phase',
      policy: { minDelayTarget: 5, maxDelayTarget: 60, numRetries: 3, numMinDelayRetries: 1, numMaxDelayRetries: 2 },
      delays: [5, 60, 60],
    },
    {
      name: 'four phases of one retry each',
      policy: {
        minDelayTarget: 3,
        maxDelayTarget: 9,
        numRetries: 4,
        numNoDelayRetries: 1,
        numMinDelayRetries: 1,
        numMaxDelayRetries: 1,
        backoffFunction: 'geometric',
      },
      delays: [0, 3, 3, 9],
    },
    {
      name: 'a backoff phase of two steps, from minimum to maximum',
      policy: { minDelayTarget: 3, maxDelayTarget: 9, numRetries: 2, backoffFunction: 'arithmetic' },
      delays: [3, 9],
    },
    {
      name: 'no room between minimum and maximum',
      policy: { minDelayTarget: 7, maxDelayTarget: 7, numRetries: 3, backoffFunction: 'geometric' },
      delays: [7, 7, 7],
    },
    {
      name: 'exponential that does not reach the maximum before its last phase',
      policy: {
        minDelayTarget: 1,
        maxDelayTarget: 100,
        numRetries: 5,
        numMaxDelayRetries: 1,
        backoffFunction: 'exponential',
      },
      delays: [1, 2, 4, 8, 100],
    },
    {
      name: 'a hundred retries without delay',
      policy: { numRetries: 100, numNoDelayRetries: 100 },
      delays: new Array<number>(100).fill(0),
    },
    {
      name: 'one retry after an hour',
      policy: { numRetries: 1, numMaxDelayRetries: 1, maxDelayTarget: 3600 },
      delays: [3600],
    },
    {
      name: "the developer guide's illustration: 3 at once, 2 after 1 s, 10 exponential, 35 after 60 s",
      policy: {
        minDelayTarget: 1,
        maxDelayTarget: 60,
        numRetries: 50,
        numNoDelayRetries: 3,
        numMinDelayRetries: 2,
        numMaxDelayRetries: 35,
        backoffFunction: 'exponential',
      },
      delays: [0, 0, 0, 1, 1, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60, ...new Array<number>(35).fill(60)],
    },
  ]
  for (const { name, policy, delays } of tables) {
    test(`gives the delays of ${name}`, () => {
      const given = retryDelays({ ...SNS_DEFAULT, ...policy })
      assert.equal(given.length, delays.length)
      for (const [index, delay] of delays.entries()) {
        assert.ok(Math.abs((given[index] ?? Number.NaN) - delay) < 1e-9, `retry ${index + 1}: ${given[index]}`)
      }
    })
  }

  test('tells the phase of each retry', () => {
    const policy = { ...SNS_DEFAULT, numRetries: 6, numNoDelayRetries: 1, numMinDelayRetries: 2, numMaxDelayRetries: 1 }
    assert.deepEqual(retryPhases(policy), [
      'immediate',
      'pre_backoff',
      'pre_backoff',
      'backoff',
      'backoff',
      'post_backoff',
    ])
  })

  test('gives as many delays as there are retries, each between minimum and maximum after the first phase', () => {
    const policies = fc
      .record({
        min: fc.integer({ min: 1, max: 3600 }),
        span: fc.integer({ min: 0, max: 3600 }),
        none: fc.nat(20),
        low: fc.nat(20),
        rising: fc.nat(40),
        high: fc.nat(20),
        backoffFunction: fc.constantFrom<BackoffFunction>('linear', 'arithmetic', 'geometric', 'exponential'),
      })
      .map(({ min, span, none, low, rising, high, backoffFunction }) => ({
        minDelayTarget: min,
        maxDelayTarget: min + span,
        numRetries: none + low + rising + high,
        numNoDelayRetries: none,
        numMinDelayRetries: low,
        numMaxDelayRetries: high,
        backoffFunction,
      }))
    fc.assert(
      fc.property(policies, (policy) => {
        const delays = retryDelays(policy)
        assert.equal(delays.length, policy.numRetries)
        assert.equal(retryPhases(policy).length, policy.numRetries)
        for (const [index, delay] of delays.entries()) {
          if (index < policy.numNoDelayRetries) assert.equal(delay, 0)
          else {
            assert.ok(delay >= policy.minDelayTarget - 1e-6)
            assert.ok(delay <= policy.maxDelayTarget + 1e-6)
          }
          if (index > 0) assert.ok(delay >= (delays[index - 1] ?? 0) - 1e-6, 'delays never shrink')
        }
      }),
    )
  })

  test('of every policy that is accepted come to an hour at most, and never shrink from phase to phase', () => {
    // Small counts and delays more often than not: most of what is drawn evenly is refused.
    const count = fc.oneof(fc.nat(8), fc.nat(MAX_RETRIES))
    const seconds = fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: MAX_RETRY_SECONDS }))
    const given = fc.record(
      {
        minDelayTarget: seconds,
        maxDelayTarget: seconds,
        numRetries: count,
        numNoDelayRetries: count,
        numMinDelayRetries: count,
        numMaxDelayRetries: count,
        backoffFunction: fc.constantFrom<BackoffFunction>('linear', 'arithmetic', 'geometric', 'exponential'),
      },
      { requiredKeys: [] },
    )
    let accepted = 0
    fc.assert(
      fc.property(given, (healthyRetryPolicy) => {
        const stored = accept({ healthyRetryPolicy })
        if (stored === undefined) return
        accepted++
        const policy: RetryPolicy = { ...SNS_DEFAULT, ...stored }
        const delays = retryDelays(policy)
        assert.equal(delays.length, policy.numRetries)
        assert.ok(delays.length <= MAX_RETRIES)
        const total = delays.reduce((sum, delay) => sum + delay, 0)
        assert.ok(total <= MAX_RETRY_SECONDS + 1e-6, `${total} s`)
        for (const [index, delay] of delays.entries()) {
          assert.ok(Number.isFinite(delay) && delay >= (delays[index - 1] ?? 0) - 1e-6, `retry ${index + 1}: ${delay}`)
        }
      }),
      { numRuns: 3_000 },
    )
    assert.ok(accepted > 100, `${accepted} accepted`)
  })
})

function accept(policy: object): Partial<RetryPolicy> | undefined {
  try {
    return JSON.parse(parseSubscriptionDeliveryPolicy(JSON.stringify(policy))).healthyRetryPolicy
  } catch {
    return undefined
  }
}
