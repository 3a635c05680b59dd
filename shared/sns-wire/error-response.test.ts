import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { BrokerError } from '#shared/errors'
import { wireErrorOf } from './error-response.ts'
import * as errors from './errors.ts'

/** Our code → SNS's code and status; `own` when the error's text reaches the caller. */
const TABLE: [code: string, wireCode: string, status: number, text: 'own' | 'fixed'][] = [
  ['MISSING_AUTHENTICATION_TOKEN', 'MissingAuthenticationToken', 403, 'own'],
  ['INCOMPLETE_SIGNATURE', 'IncompleteSignature', 400, 'own'],
  ['INVALID_CLIENT_TOKEN_ID', 'InvalidClientTokenId', 403, 'own'],
  ['SIGNATURE_DOES_NOT_MATCH', 'SignatureDoesNotMatch', 403, 'own'],
  ['REQUEST_EXPIRED', 'RequestExpired', 400, 'own'],
  ['EXPIRED_TOKEN', 'ExpiredToken', 403, 'own'],
  ['ACCESS_DENIED', 'AccessDenied', 403, 'own'],
  ['MALFORMED_POLICY_DOCUMENT', 'MalformedPolicyDocument', 400, 'own'],
  ['PACKED_POLICY_TOO_LARGE', 'PackedPolicyTooLarge', 400, 'own'],
  ['INVALID_PARAMETER_VALUE', 'InvalidParameterValue', 400, 'own'],
  ['MALFORMED_QUERY_STRING', 'MalformedQueryString', 404, 'own'],
  ['INVALID_QUERY_PARAMETER', 'InvalidQueryParameter', 400, 'own'],
  ['MISSING_ACTION', 'MissingAction', 400, 'own'],
  ['INVALID_ACTION', 'InvalidAction', 400, 'own'],
  ['INVALID_PARAMETER', 'InvalidParameter', 400, 'own'],
  ['PARAMETER_VALUE_INVALID', 'ParameterValueInvalid', 400, 'own'],
  ['VALIDATION_ERROR', 'ValidationError', 400, 'own'],
  ['NOT_FOUND', 'NotFound', 404, 'own'],
  ['AUTHORIZATION_ERROR', 'AuthorizationError', 403, 'own'],
  ['INVALID_SECURITY', 'InvalidSecurity', 403, 'own'],
  ['KMS_ACCESS_DENIED', 'KMSAccessDenied', 400, 'own'],
  ['KMS_DISABLED', 'KMSDisabled', 400, 'own'],
  ['KMS_INVALID_STATE', 'KMSInvalidState', 400, 'own'],
  ['KMS_NOT_FOUND', 'KMSNotFound', 400, 'own'],
  ['KMS_THROTTLING', 'KMSThrottling', 400, 'own'],
  ['KMS_OPT_IN_REQUIRED', 'KMSOptInRequired', 403, 'own'],
  ['KMS_INVALID_KEY_USAGE', 'InvalidParameter', 400, 'own'],
  ['KMS_UNAVAILABLE', 'InternalError', 500, 'fixed'],
  ['KMS_INTEGRITY', 'InternalError', 500, 'fixed'],
  ['KMS_CREDENTIALS', 'InternalError', 500, 'fixed'],
  ['KMS_INSECURE_ENDPOINT', 'InternalError', 500, 'fixed'],
  ['REDIS_UNAVAILABLE', 'ServiceUnavailable', 503, 'fixed'],
  ['REDIS_REFUSED', 'ServiceUnavailable', 503, 'fixed'],
  ['SUBSCRIPTION_CONTENDED', 'ServiceUnavailable', 503, 'fixed'],
  ['TOPIC_CONTENDED', 'ServiceUnavailable', 503, 'fixed'],
  ['REDIS_AUTHENTICATION_FAILED', 'ServiceUnavailable', 503, 'fixed'],
  ['DATA_KEY_UNAVAILABLE', 'ServiceUnavailable', 503, 'fixed'],
  ['REDIS_UNDER_REPLICATED', 'ServiceUnavailable', 503, 'fixed'],
  ['REDIS_OUTCOME_UNKNOWN', 'ServiceUnavailable', 503, 'fixed'],
  ['RECORD_FORGED', 'InternalError', 500, 'fixed'],
]

const OWN_TEXT = 'redis://10.0.0.1 refused the key'

suite('wireErrorOf()', () => {
  for (const [code, wireCode, status, text] of TABLE) {
    test(`gives ${wireCode} ${status} for ${code}, with ${text === 'own' ? 'its own' : 'a fixed'} text`, () => {
      const wire = wireErrorOf(new CodedError(code))
      assert.deepEqual([wire.code, wire.status, wire.fault], [wireCode, status, status < 500 ? 'sender' : 'receiver'])
      if (text === 'own') assert.equal(wire.message, OWN_TEXT)
      else assert.ok(wire.message.length > 0 && !wire.message.includes('redis'))
    })
  }

  test('tells a publisher that a lost reply may mean a stored message', () => {
    assert.match(wireErrorOf(new CodedError('REDIS_OUTCOME_UNKNOWN')).message, /may or may not have been stored/)
    assert.doesNotMatch(wireErrorOf(new CodedError('REDIS_UNAVAILABLE')).message, /may or may not/)
  })

  test('reveals nothing of what is not listed', () => {
    const unlisted = [
      new CodedError('LEASE_LOST'),
      new CodedError('__proto__'),
      new Error(OWN_TEXT),
      Object.assign(new Error(OWN_TEXT), { code: 'INVALID_PARAMETER' }),
      OWN_TEXT,
      undefined,
      { code: 'NOT_FOUND', message: OWN_TEXT },
    ]
    for (const error of unlisted) {
      const wire = wireErrorOf(error)
      assert.deepEqual([wire.status, wire.code, wire.fault], [500, 'InternalError', 'receiver'])
      assert.ok(!wire.message.includes('redis'))
    }
  })

  test('knows every refusal of this folder', () => {
    const refusals = Object.values(errors)
      .filter((thing) => thing.prototype instanceof BrokerError)
      .map((Refusal) => Reflect.construct(Refusal, ['text', 'text']) as BrokerError)
    assert.ok(refusals.length > 10)
    for (const refusal of refusals) {
      assert.ok(wireErrorOf(refusal).status < 500, refusal.name)
      assert.equal(wireErrorOf(refusal).message, refusal.message)
    }
  })
})

class CodedError extends BrokerError {
  override readonly code: string
  override readonly fault = 'receiver'
  override readonly retryable = false

  constructor(code: string) {
    super(OWN_TEXT)
    this.code = code
  }
}
