import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { classifyOutcome } from './classify-outcome.ts'

suite('classifyOutcome()', () => {
  const answers: [statusCode: number, kind: string][] = [
    [200, 'delivered'],
    [201, 'delivered'],
    [204, 'delivered'],
    [299, 'delivered'],
    [300, 'permanent'],
    [301, 'permanent'],
    [302, 'permanent'],
    [307, 'permanent'],
    [400, 'permanent'],
    [401, 'permanent'],
    [403, 'permanent'],
    [404, 'permanent'],
    [410, 'permanent'],
    [428, 'permanent'],
    [429, 'retryable'],
    [430, 'permanent'],
    [499, 'permanent'],
    [500, 'retryable'],
    [503, 'retryable'],
    [599, 'retryable'],
  ]
  for (const [statusCode, kind] of answers) {
    test(`takes ${statusCode} as ${kind}`, () => {
      const outcome = classifyOutcome({ kind: 'answered', statusCode })
      assert.equal(outcome.kind, kind)
      if (outcome.kind !== 'delivered') assert.equal(outcome.reason, `HTTP_${statusCode}`)
    })
  }

  test('tries again when no answer came', () => {
    assert.deepEqual(classifyOutcome({ kind: 'unanswered', code: 'ECONNREFUSED' }), {
      kind: 'retryable',
      reason: 'ECONNREFUSED',
    })
  })

  test('gives up on an endpoint that cannot be requested', () => {
    assert.deepEqual(classifyOutcome({ kind: 'unsendable', code: 'ENDPOINT_INVALID' }), {
      kind: 'permanent',
      reason: 'ENDPOINT_INVALID',
    })
  })
})
