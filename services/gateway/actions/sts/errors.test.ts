import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { BrokerError } from '#shared/errors'
import { wireErrorOf } from '#shared/sns-wire'
import * as errors from './errors.ts'

suite('refusals of STS', () => {
  test('are all in the table of wire errors, under the names of STS', () => {
    const refusals = Object.values(errors).map((Refusal) => Reflect.construct(Refusal, ['text']) as BrokerError)
    assert.deepEqual(refusals.map((refusal) => wireErrorOf(refusal).code).sort(), [
      'AccessDenied',
      'InvalidParameterValue',
      'MalformedPolicyDocument',
      'PackedPolicyTooLarge',
    ])
    for (const refusal of refusals) assert.equal(wireErrorOf(refusal).message, refusal.message)
  })
})
