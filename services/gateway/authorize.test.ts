import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createTestPrincipal } from '#shared/test-principals'
import { authorize } from './authorize.ts'

const caller = {
  region: 'us-east-1',
  sourceIp: '127.0.0.1',
  secure: true,
  principal: createTestPrincipal({ arn: 'arn:aws:iam::000000000000:user/ada' }),
}

suite('authorize()', () => {
  test('lets a principal act in its own account', () => {
    authorize(caller, 'Publish', { arn: 'arn:aws:sns:us-east-1:000000000000:orders', account: '000000000000' })
  })

  test('refuses another account in the words of SNS', () => {
    const arn = 'arn:aws:sns:us-east-1:111111111111:orders'
    assert.throws(() => authorize(caller, 'Publish', { arn, account: '111111111111' }), {
      code: 'AUTHORIZATION_ERROR',
      message:
        `User: arn:aws:iam::000000000000:user/ada is not authorized to perform: SNS:Publish on resource: ${arn} ` +
        'because no resource-based policy allows the SNS:Publish action',
    })
  })
})
