import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { errorResponseOf } from './error-response.ts'
import * as errors from './errors.ts'

suite('errorResponseOf()', () => {
  test('gives status 400 and a text in message', () => {
    assert.deepEqual(errorResponseOf(new errors.NotFoundError('Key does not exist')), {
      status: 400,
      name: 'NotFoundException',
      body: { __type: 'NotFoundException', message: 'Key does not exist' },
    })
  })

  test('writes the text of AccessDeniedException with a capital, as AWS does', () => {
    assert.deepEqual(errorResponseOf(new errors.AccessDeniedError('no')).body, {
      __type: 'AccessDeniedException',
      Message: 'no',
    })
  })

  test('says nothing about why a ciphertext does not open', () => {
    assert.deepEqual(errorResponseOf(new errors.InvalidCiphertextError()).body, {
      __type: 'InvalidCiphertextException',
    })
  })

  test('reveals nothing of what is no refusal', () => {
    const internal = [
      new Error('secret'),
      new errors.KeystoreWriteError('secret'),
      Object.assign(new Error('secret'), { code: 'NOT_FOUND' }),
      'secret',
    ]
    for (const error of internal) {
      const { status, name, body } = errorResponseOf(error)
      assert.equal(status, 500)
      assert.equal(name, 'KMSInternalException')
      assert.ok(!JSON.stringify(body).includes('secret'))
    }
  })

  test('knows every refusal that this service can throw', () => {
    const refusals = Object.values(errors)
      .map((RefusedError) => new RefusedError('text'))
      .filter(({ fault }) => fault === 'sender')
    assert.ok(refusals.length > 10)
    for (const refusal of refusals) assert.notEqual(errorResponseOf(refusal).status, 500, refusal.code)
  })
})
