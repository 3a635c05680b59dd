import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ADMINISTRATIVE, auditedCallOf } from './audit-call.ts'
import type { Identity } from './authenticate.ts'
import { operationOf } from './operations.ts'

suite('auditedCallOf()', () => {
  test('calls administrative only what KMS has', () => {
    for (const name of ADMINISTRATIVE) assert.equal(operationOf(`TrentService.${name}`), name)
  })

  test('records each denial, with the publisher for whom it was asked', () => {
    const onBehalfOf = { arn: 'arn:aws:iam::000000000000:user/ada', account: '000000000000', kind: 'user' } as const
    for (const name of ['AccessDeniedException', 'NotAuthorizedException']) {
      const call = audited({ name, status: 400 }, { identity: { ...broker, onBehalfOf } })
      assert.deepEqual([call?.record, call?.onBehalfOf, call?.code], ['denied', onBehalfOf.arn, name])
    }
  })

  test('records whatever is refused to nobody known', () => {
    for (const name of [
      'MissingAuthenticationTokenException',
      'ValidationException',
      'RequestEntityTooLargeException',
    ]) {
      assert.equal(audited({ name, status: 400 }, { identity: undefined })?.record, 'denied')
    }
  })

  test('records no cryptographic call that was allowed or failed for its key', () => {
    assert.equal(audited('ok'), undefined)
    assert.equal(audited({ name: 'DisabledException', status: 400 }), undefined)
    assert.equal(audited({ name: 'KMSInternalException', status: 500 }), undefined)
  })
})

const broker: Identity = {
  kind: 'broker',
  arn: 'arn:aws:iam::000000000000:role/sealcast-broker',
  account: '000000000000',
  region: 'us-east-1',
  onBehalfOf: undefined,
}

function audited(answered: Parameters<typeof auditedCallOf>[0], some: { identity?: Identity | undefined } = {}) {
  const known = { operation: 'GenerateDataKey', identity: broker, notes: {}, requestId: 'r', sourceIp: undefined }
  return auditedCallOf(answered, { ...known, ...some })
}
