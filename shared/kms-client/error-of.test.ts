import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { KMSServiceException } from '@aws-sdk/client-kms'
import { errorOf } from './error-of.ts'
import { KmsKeyUnavailableError } from './errors.ts'

suite('errorOf()', () => {
  for (const [name, code] of [
    ['AccessDeniedException', 'KMS_ACCESS_DENIED'],
    ['DisabledException', 'KMS_DISABLED'],
    ['KMSInvalidStateException', 'KMS_INVALID_STATE'],
    ['NotFoundException', 'KMS_NOT_FOUND'],
    ['ThrottlingException', 'KMS_THROTTLING'],
    ['LimitExceededException', 'KMS_THROTTLING'],
    ['OptInRequired', 'KMS_OPT_IN_REQUIRED'],
    ['SubscriptionRequiredException', 'KMS_OPT_IN_REQUIRED'],
    ['InvalidKeyUsageException', 'KMS_INVALID_KEY_USAGE'],
    ['UnsupportedOperationException', 'KMS_INVALID_KEY_USAGE'],
    ['InvalidCiphertextException', 'KMS_INTEGRITY'],
    ['IncorrectKeyException', 'KMS_INTEGRITY'],
    ['ValidationException', 'KMS_UNAVAILABLE'],
    ['toString', 'KMS_UNAVAILABLE'],
  ] as const) {
    test(`gives ${code} for ${name}`, () => {
      const error = errorOf(kmsError({ name, message: 'text' }))
      assert.equal(error.code, code)
      assert.equal(
        error.message,
        `text (Service: AWSKMS; Status Code: 400; Error Code: ${name}; Request ID: 12-34; Proxy: null)`,
      )
    })
  }

  for (const name of [
    'UnrecognizedClientException',
    'InvalidClientTokenId',
    'InvalidSignatureException',
    'ExpiredTokenException',
    'IncompleteSignatureException',
    'MissingAuthenticationTokenException',
  ]) {
    test(`gives KMS_CREDENTIALS for ${name}, without KMS's text, which may hold a session token`, () => {
      const error = errorOf(kmsError({ name, message: 'x-amz-security-token:secret' }))
      assert.equal(error.code, 'KMS_CREDENTIALS')
      assert.ok(!error.message.includes('secret'))
      assert.ok(error.message.includes(name))
    })
  }

  test('gives KMS_CREDENTIALS where a provider of credentials failed, or the service it asked', () => {
    const ofProvider = Object.assign(new Error('secret'), { name: 'CredentialsProviderError' })
    const ofSts = Object.assign(new Error('secret'), { name: 'AccessDenied', $fault: 'client' })
    for (const failure of [ofProvider, ofSts]) {
      const error = errorOf(failure)
      assert.equal(error.code, 'KMS_CREDENTIALS')
      assert.ok(error.message.includes(failure.name) && !error.message.includes('secret'))
    }
  })

  test('takes a refusal that is not in the table for one of the key: KMS answers, so others may go on asking', () => {
    for (const name of ['ValidationException', 'InvalidArnException', 'SomethingNewException']) {
      assert.ok(errorOf(kmsError({ name, message: 'x' })) instanceof KmsKeyUnavailableError, name)
    }
    for (const [name, status] of [
      ['KMSInternalException', 500],
      ['RequestTimeout', 408],
    ] as const) {
      assert.ok(!(errorOf(kmsError({ name, message: 'x', status })) instanceof KmsKeyUnavailableError), name)
    }
  })

  test('gives KMS_UNAVAILABLE for every status from 500 on, whatever the name', () => {
    for (const status of [500, 502, 503]) {
      assert.equal(errorOf(kmsError({ name: 'DisabledException', message: 'x', status })).code, 'KMS_UNAVAILABLE')
    }
  })

  test('writes null where KMS says nothing', () => {
    for (const message of ['', 'UnknownError']) {
      assert.match(errorOf(kmsError({ name: 'InvalidCiphertextException', message })).message, /^null \(Service/)
    }
  })

  test('takes over nothing of the error but its text, and not too much of that', () => {
    const error = errorOf(kmsError({ name: 'DisabledException', message: 'x'.repeat(5000) }))
    assert.equal(error.cause, undefined)
    assert.ok(error.message.length < 1300)
  })

  test('says of a failed transport no more than its code', () => {
    const reset = Object.assign(new Error('secret in a message'), { code: 'ECONNRESET', $response: {} })
    assert.equal(errorOf(reset).message, 'KMS did not answer: ECONNRESET')
    assert.equal(errorOf(new SyntaxError('Unexpected token secret')).message, 'KMS did not answer: SyntaxError')
    assert.equal(errorOf('secret').message, 'KMS did not answer: unknown reason')
    assert.equal(errorOf(reset).code, 'KMS_UNAVAILABLE')
    assert.equal(errorOf(reset).cause, undefined)
  })
})

function kmsError(o: { name: string; message: string; status?: number }): KMSServiceException {
  const { name, message, status = 400 } = o
  return new KMSServiceException({
    name,
    message,
    $fault: 'client',
    $metadata: { httpStatusCode: status, requestId: '12-34' },
  })
}
