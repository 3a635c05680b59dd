import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { STSServiceException } from '@aws-sdk/client-sts'
import { KmsInsecureEndpointError, StsUnavailableError } from './errors.ts'
import { stsErrorOf } from './sts-error-of.ts'

const USE = {
  roleArn: 'arn:aws:iam::111122223333:role/kms',
  principal: 'arn:aws:iam::999988887777:role/ada#0123',
}
/** What STS says names the broker. */
const TEXT = 'User: arn:aws:iam::111122223333:role/broker is not authorized'

suite('stsErrorOf()', () => {
  for (const [name, status] of [
    ['AccessDenied', 403],
    ['MalformedPolicyDocumentException', 400],
    ['PackedPolicyTooLargeException', 400],
    ['RegionDisabledException', 403],
  ] as const) {
    test(`gives KMS_ACCESS_DENIED for ${name}, in a text of its own`, () => {
      const error = stsErrorOf(refusal(name, status), USE)
      assert.equal(error.code, 'KMS_ACCESS_DENIED')
      assert.equal(
        error.message,
        `The broker may not assume the role ${USE.roleArn} for arn:aws:iam::999988887777:role/ada ` +
          `(Service: AWSSecurityTokenService; Status Code: ${status}; Error Code: ${name}; Request ID: 12-34; Proxy: null)`,
      )
    })
  }

  for (const name of ['ExpiredToken', 'ExpiredTokenException', 'InvalidClientTokenId', 'SignatureDoesNotMatch']) {
    test(`gives KMS_CREDENTIALS for ${name}: it is the broker's to mend`, () => {
      const error = stsErrorOf(refusal(name, 403), USE)
      assert.equal(error.code, 'KMS_CREDENTIALS')
      assert.ok(error.message.includes(name) && !error.message.includes(TEXT))
    })
  }

  test('gives KMS_CREDENTIALS where the broker found no credentials', () => {
    const error = Object.assign(new Error('secret'), { name: 'CredentialsProviderError' })
    assert.equal(stsErrorOf(error, USE).code, 'KMS_CREDENTIALS')
  })

  test('gives an outage of STS for server faults, throttling and what is no answer', () => {
    const failures = [
      refusal('InternalFailure', 500),
      refusal('AccessDenied', 503),
      refusal('Throttling', 400),
      refusal('ThrottlingException', 400),
      refusal('SomethingNew', 429),
      refusal('RequestTimeout', 408),
      Object.assign(new Error('quoted'), { code: 'ECONNREFUSED' }),
      Object.assign(new Error('quoted'), { name: 'TimeoutError' }),
    ]
    for (const failure of failures) {
      const error = stsErrorOf(failure, USE)
      assert.ok(error instanceof StsUnavailableError, failure.name)
      assert.deepEqual([error.code, error.retryable], ['KMS_UNAVAILABLE', true])
      assert.ok(!error.message.includes('quoted') && !error.message.includes(TEXT))
    }
  })

  test('takes a refusal that is not in the table for one of the role, which speaks against no other', () => {
    const error = stsErrorOf(refusal('ValidationError', 400), USE)
    assert.deepEqual([error.code, error instanceof StsUnavailableError], ['KMS_UNAVAILABLE', false])
  })

  test('leaves an error of ours as it is', () => {
    const own = new KmsInsecureEndpointError('Cannot ask')
    assert.equal(stsErrorOf(own, USE), own)
  })
})

function refusal(name: string, status: number): STSServiceException {
  const $metadata = { httpStatusCode: status, requestId: '12-34' }
  return new STSServiceException({ name, message: TEXT, $fault: 'client', $metadata })
}
