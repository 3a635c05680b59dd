import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { EnvelopeAuthenticationError, EnvelopeFormatError } from '#shared/envelope'
import {
  KmsAccessDeniedError,
  KmsDisabledError,
  KmsIntegrityError,
  KmsInvalidStateError,
  KmsNotFoundError,
  KmsThrottlingError,
  KmsUnavailableError,
} from '#shared/kms-client'
import { RecordForgedError } from '#shared/record-mac'
import { RedisUnavailableError } from '#shared/redis'
import { EntryFormatError } from '#shared/stream-log'
import { decideAttempt, decideEntry, decideError, fateOf } from './decide-settlement.ts'

const DELAYS = [20, 30]

suite('decideAttempt()', () => {
  test('is over with a delivery', () => {
    assert.deepEqual(decideAttempt({ kind: 'delivered' }, { attempt: 1, delays: DELAYS }), { kind: 'delivered' })
  })

  test('gives each failed attempt the delay of its turn, and none after the last', () => {
    const outcome = { kind: 'retryable', reason: 'HTTP_503' } as const
    assert.deepEqual(
      [1, 2, 3].map((attempt) => decideAttempt(outcome, { attempt, delays: DELAYS })),
      [
        { kind: 'retry', delaySeconds: 20, reason: 'HTTP_503' },
        { kind: 'retry', delaySeconds: 30, reason: 'HTTP_503' },
        { kind: 'failed', reason: 'HTTP_503' },
      ],
    )
  })

  test('takes a delay of zero for a retry', () => {
    const outcome = { kind: 'retryable', reason: 'TIMEOUT' } as const
    assert.equal(decideAttempt(outcome, { attempt: 1, delays: [0] }).kind, 'retry')
  })

  test('does not retry a final answer', () => {
    const outcome = { kind: 'permanent', reason: 'HTTP_404' } as const
    assert.deepEqual(decideAttempt(outcome, { attempt: 1, delays: DELAYS }), { kind: 'failed', reason: 'HTTP_404' })
  })

  test('fails at once under a policy without retries', () => {
    const outcome = { kind: 'retryable', reason: 'HTTP_500' } as const
    assert.equal(decideAttempt(outcome, { attempt: 1, delays: [] }).kind, 'failed')
  })
})

suite('decideEntry()', () => {
  test('settles an entry that every subscription got or gave up on', () => {
    const decision = decideEntry([
      { subscriptionId: 'a', fate: fateOf({ kind: 'delivered' }) },
      { subscriptionId: 'b', fate: fateOf({ kind: 'failed', reason: 'HTTP_404' }) },
    ])
    assert.deepEqual(decision, { kind: 'settle' })
  })

  test('hands off together all that failed or wait, and only those', () => {
    const underWay = Promise.resolve({ kind: 'delivered' } as const)
    const decision = decideEntry([
      { subscriptionId: 'a', fate: fateOf({ kind: 'retry', delaySeconds: 20, reason: 'HTTP_503' }) },
      { subscriptionId: 'b', fate: fateOf({ kind: 'delivered' }) },
      { subscriptionId: 'c', fate: { kind: 'waits', underWay: undefined } },
      { subscriptionId: 'd', fate: { kind: 'waits', underWay } },
    ])
    assert.deepEqual(decision, {
      kind: 'hand-off',
      later: [
        { subscriptionId: 'a', kind: 'retry', delaySeconds: 20 },
        { subscriptionId: 'c', kind: 'waits', underWay: undefined },
        { subscriptionId: 'd', kind: 'waits', underWay },
      ],
    })
  })
})

suite('decideError()', () => {
  const quarantined = [
    new RecordForgedError('entry'),
    new EntryFormatError('it has no body'),
    new EnvelopeFormatError('too short'),
    new EnvelopeAuthenticationError(),
    new KmsIntegrityError('the answer was for another key'),
  ]
  for (const error of quarantined) {
    test(`quarantines on ${error.code}`, () => {
      assert.deepEqual(decideError(error), { kind: 'quarantine', reason: error.code })
    })
  }

  const held = [
    new KmsAccessDeniedError('no'),
    new KmsDisabledError('no'),
    new KmsInvalidStateError('no'),
    new KmsNotFoundError('no'),
    new KmsThrottlingError('no'),
    new KmsUnavailableError('no'),
    new RedisUnavailableError('not connected'),
  ]
  for (const error of held) {
    test(`holds on ${error.code}`, () => {
      assert.deepEqual(decideError(error), { kind: 'hold', reason: error.code })
    })
  }

  test('holds on what nobody foresaw', () => {
    assert.deepEqual(decideError(new TypeError('x')), { kind: 'hold', reason: 'UNEXPECTED' })
    assert.deepEqual(decideError('text'), { kind: 'hold', reason: 'UNEXPECTED' })
  })
})
