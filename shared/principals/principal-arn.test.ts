import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { BrokerError } from '#shared/errors'
import { parsePrincipalArn, userArnOf } from './principal-arn.ts'

suite('parsePrincipalArn()', () => {
  for (const name of ['alice', 'a', 'A-Z_0.9+=,@', 'x'.repeat(64), 'teams/billing/bob', `${'p/'.repeat(256)}bob`]) {
    test(`accepts user/${name.slice(0, 20)} (${name.length} characters)`, () => {
      assert.deepEqual(parsePrincipalArn(userArnOf({ account: '123456789012', name })), {
        account: '123456789012',
        kind: 'user',
      })
    })
  }

  test("accepts an account's root", () => {
    assert.deepEqual(parsePrincipalArn('arn:aws:iam::000000000000:root'), { account: '000000000000', kind: 'root' })
  })

  for (const arn of [
    '',
    'alice',
    'arn:aws:iam::12345678901:user/alice',
    'arn:aws:iam::1234567890123:user/alice',
    'arn:aws:iam:us-east-1:123456789012:user/alice',
    'arn:aws:sts::123456789012:assumed-role/x/y',
    'arn:aws:iam::123456789012:group/alice',
    'arn:aws:iam::123456789012:root/x',
    'arn:aws:iam::123456789012:rootx',
    'arn:aws:iam::123456789012:user',
    'arn:aws:iam::123456789012:user/',
    'arn:aws:iam::123456789012:user//alice',
    'arn:aws:iam::123456789012:user/team/',
    'arn:aws:iam::123456789012:user/al ice',
    'arn:aws:iam::123456789012:user/alice\n',
    'arn:aws:iam::123456789012:user/a*',
    `arn:aws:iam::123456789012:user/${'x'.repeat(65)}`,
    `arn:aws:iam::123456789012:user/${'p/'.repeat(257)}bob`,
    'arn:aws-cn:iam::123456789012:user/alice',
  ]) {
    test(`refuses ${JSON.stringify(arn.slice(0, 60))}`, () => {
      assert.throws(() => parsePrincipalArn(arn), { code: 'PRINCIPAL_ARN_INVALID' })
    })
  }

  test('throws nothing but its own error, and does not repeat the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 12 }), (arn) => {
        try {
          parsePrincipalArn(arn)
        } catch (error) {
          assert.ok(error instanceof BrokerError)
          assert.ok(!error.message.includes(arn))
        }
      }),
    )
  })
})
