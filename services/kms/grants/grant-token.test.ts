import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { issueGrantToken, readGrantToken } from './grant-token.ts'

const KEY = createSecretKey(randomBytes(32))
const GRANT = { id: 'ab'.repeat(32), keyArn: 'arn:aws:kms:us-east-1:111122223333:key/x' }

suite('readGrantToken()', () => {
  test('names the grant a token was issued for; no two tokens are alike', () => {
    const tokens = [issueGrantToken(GRANT, KEY), issueGrantToken(GRANT, KEY)]
    assert.notEqual(tokens[0], tokens[1])
    for (const token of tokens) assert.deepEqual(readGrantToken(token, KEY), GRANT)
  })

  test('takes no token with any one byte altered, cut, or of another keystore', () => {
    const bytes = Buffer.from(issueGrantToken(GRANT, KEY), 'base64')
    for (let at = 0; at < bytes.byteLength; at++) {
      const altered = Buffer.from(bytes)
      altered[at] = (altered[at] ?? 0) ^ 1
      assert.equal(readGrantToken(altered.toString('base64'), KEY), undefined, `byte ${at}`)
      assert.equal(readGrantToken(bytes.toString('base64', 0, at), KEY), undefined, `cut at ${at}`)
    }
    assert.equal(readGrantToken(bytes.toString('base64'), createSecretKey(randomBytes(32))), undefined)
  })

  test('takes no other text', () => {
    fc.assert(fc.property(fc.string({ maxLength: 300 }), (text) => readGrantToken(text, KEY) === undefined))
  })
})
