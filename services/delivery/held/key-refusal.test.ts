import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { EnvelopeAuthenticationError } from '#shared/envelope'
import {
  KmsAccessDeniedError,
  KmsDisabledError,
  KmsIntegrityError,
  KmsInvalidKeyUsageError,
  KmsInvalidStateError,
  KmsNotFoundError,
  KmsOptInRequiredError,
  KmsThrottlingError,
  KmsUnavailableError,
} from '#shared/kms-client'
import { RecordForgedError } from '#shared/record-mac'
import { RedisUnavailableError } from '#shared/redis'
import { isKeyRefusal, isOfDataKeyAlone } from './key-refusal.ts'

suite('isKeyRefusal()', () => {
  for (const error of [
    new KmsDisabledError('x'),
    new KmsInvalidStateError('x'),
    new KmsNotFoundError('x'),
    new KmsThrottlingError('x'),
    new KmsOptInRequiredError('x'),
    new KmsInvalidKeyUsageError('x'),
    new KmsUnavailableError('x'),
  ]) {
    test(`takes ${error.code} for one of the whole key`, () => {
      assert.ok(isKeyRefusal(error) && !isOfDataKeyAlone(error))
    })
  }

  test('takes KMS_ACCESS_DENIED for one of a data key', () => {
    const error = new KmsAccessDeniedError('x')
    assert.ok(isKeyRefusal(error) && isOfDataKeyAlone(error))
  })

  test('takes what can never become right, and faults of ours, for none', () => {
    for (const error of [
      new KmsIntegrityError('x'),
      new EnvelopeAuthenticationError(),
      new RecordForgedError('entry'),
      new RedisUnavailableError('x'),
      new TypeError('KMS_DISABLED'),
    ]) {
      assert.equal(isKeyRefusal(error), false)
    }
  })
})
