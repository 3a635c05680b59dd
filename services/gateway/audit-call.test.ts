import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { BrokerError } from '#shared/errors'
import { wireErrorOf } from '#shared/sns-wire'
import { auditedCallOf } from './audit-call.ts'

suite('auditedCallOf()', () => {
  for (const code of ['AUTHORIZATION_ERROR', 'INVALID_SECURITY', 'KMS_ACCESS_DENIED', 'KMS_OPT_IN_REQUIRED']) {
    test(`records ${code} of a known caller as denied`, () => {
      assert.equal(audited(code, { isAuthenticated: true })?.record, 'denied')
    })
  }

  const EARLY = ['MISSING_AUTHENTICATION_TOKEN', 'INCOMPLETE_SIGNATURE', 'INVALID_CLIENT_TOKEN_ID', 'REQUEST_EXPIRED']
  for (const code of [...EARLY, 'SIGNATURE_DOES_NOT_MATCH', 'MALFORMED_QUERY_STRING', 'INVALID_SECURITY']) {
    test(`records ${code} before authentication as denied`, () => {
      assert.equal(audited(code, { isAuthenticated: false })?.record, 'denied')
    })
  }

  for (const code of ['INVALID_PARAMETER', 'NOT_FOUND', 'KMS_DISABLED', 'REDIS_UNAVAILABLE', 'NEVER_HEARD_OF']) {
    test(`does not take ${code} for a denial`, () => {
      assert.equal(audited(code, { isAuthenticated: true }), undefined)
      assert.equal(audited(code, { isAuthenticated: true, action: 'Subscribe' })?.record, 'administered')
    })
  }

  test('names an action by its service, and none that is not one of ours', () => {
    assert.equal(audited('AUTHORIZATION_ERROR', { isAuthenticated: true })?.action, 'sns:Publish')
    assert.equal(audited('AUTHORIZATION_ERROR', { isAuthenticated: true, action: 'unknown' })?.action, 'unknown')
  })
})

function audited(code: string, o: { isAuthenticated: boolean; action?: string }) {
  return auditedCallOf(wireErrorOf(new CodedError(code)), {
    action: o.action ?? 'Publish',
    service: { name: 'sns' },
    caller: undefined,
    isAuthenticated: o.isAuthenticated,
    notes: {},
    requestId: 'r',
    sourceIp: undefined,
  })
}

class CodedError extends BrokerError {
  override readonly code: string
  override readonly fault = 'sender'
  override readonly retryable = false

  constructor(code: string) {
    super(code)
    this.code = code
  }
}
