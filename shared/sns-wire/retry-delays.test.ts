import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { type BackoffFunction, type RetryPolicy, retryDelays } from './retry-delays.ts'

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
})
