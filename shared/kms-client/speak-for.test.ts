import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { behalfHeaders } from './speak-for.ts'

suite('behalfHeaders()', () => {
  test('names the publisher without the mark of its grounds, and the grounds themselves', () => {
    const grounds = { sourceArn: 'arn:aws:s3:::pictures', sourceAccount: '111122223333' }
    assert.deepEqual(behalfHeaders({ publisher: 's3.amazonaws.com#0a1b', grounds, purpose: 'issue' }), {
      'x-sealcast-on-behalf-of': 's3.amazonaws.com',
      'x-sealcast-source-arn': 'arn:aws:s3:::pictures',
      'x-sealcast-source-account': '111122223333',
      'x-sealcast-purpose': 'issue',
    })
  })

  test('carries a session policy in base64, whatever letters it has', () => {
    const sessionPolicy = '{"Statement":[],"Id":"é😀"}'
    const publisher = 'arn:aws:iam::111122223333:role/r#ff'
    const headers = behalfHeaders({ publisher, grounds: { sessionPolicy }, purpose: 'share' })
    assert.equal(headers['x-sealcast-on-behalf-of'], 'arn:aws:iam::111122223333:role/r')
    assert.equal(Buffer.from(headers['x-sealcast-session-policy'] ?? '', 'base64').toString(), sessionPolicy)
  })

  test("carries a session's tags in base64, and who is behind it", () => {
    const grounds = { sessionTags: { team: 'größer 😀' }, sourceIdentity: 'ada' }
    const headers = behalfHeaders({ publisher: 'arn:aws:iam::111122223333:role/r#ff', grounds, purpose: 'share' })
    const tags = Buffer.from(headers['x-sealcast-session-tags'] ?? '', 'base64').toString()
    assert.deepEqual(JSON.parse(tags), grounds.sessionTags)
    assert.equal(headers['x-sealcast-source-identity'], 'ada')
  })

  test('names nobody where the broker asks for itself', () => {
    assert.deepEqual(behalfHeaders({ publisher: undefined, grounds: undefined, purpose: 'rewrap' }), {
      'x-sealcast-purpose': 'rewrap',
    })
  })
})
