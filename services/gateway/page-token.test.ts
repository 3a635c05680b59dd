import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { BrokerError } from '#shared/errors'
import { decodePageToken, encodePageToken } from './page-token.ts'

const PREFIX = 'arn:aws:sns:us-east-1:000000000000:'

suite('decodePageToken()', () => {
  test('gives back the name it was made from', () => {
    assert.equal(decodePageToken(encodePageToken(`${PREFIX}orders`), PREFIX), `${PREFIX}orders`)
  })

  test('starts from the beginning without a token', () => {
    assert.equal(decodePageToken(undefined, PREFIX), undefined)
    assert.equal(decodePageToken('', PREFIX), undefined)
  })

  test('refuses the token of another account, region or version', () => {
    const others = ['arn:aws:sns:us-east-1:111111111111:a', 'arn:aws:sns:eu-west-1:000000000000:a']
    const tokens = [...others.map(encodePageToken), Buffer.from(`2:${PREFIX}a`).toString('base64')]
    for (const token of tokens) {
      assert.throws(() => decodePageToken(token, PREFIX), { code: 'INVALID_PARAMETER' }, token)
    }
  })

  test('refuses arbitrary text with its own error only', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'binary' }), (token) => {
        try {
          assert.equal(encodePageToken(decodePageToken(token, PREFIX) ?? ''), token)
        } catch (error) {
          assert.ok(error instanceof BrokerError)
        }
      }),
    )
  })
})
