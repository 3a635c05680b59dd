import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { BrokerError, describeError } from './index.ts'

suite('describeError()', () => {
  test('keeps name, code and message of a broker error', () => {
    assert.deepEqual(describeError(new TestError('Cannot test')), {
      name: 'TestError',
      code: 'TEST',
      message: 'Cannot test',
    })
  })

  test('copies no other property, since libraries attach commands and headers', () => {
    const error = Object.assign(new Error('boom'), { command: { args: ['secret body'] }, code: 'EPIPE' })
    assert.deepEqual(describeError(error), { name: 'Error', code: 'EPIPE', message: 'boom' })
  })

  test('does not print a thrown value that is no error', () => {
    assert.deepEqual(describeError('secret'), { name: 'NonError', code: 'UNKNOWN', message: 'string' })
  })
})

class TestError extends BrokerError {
  override readonly code = 'TEST'
  override readonly fault = 'receiver'
  override readonly retryable = false
}
