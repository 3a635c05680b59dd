import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createSecretRing } from '#shared/record-mac'
import { packedPolicySize } from './packed-policy-size.ts'
import { sealSession } from './session-token.ts'

suite('packedPolicySize()', () => {
  test('is 0 without a policy and tags, and at least 1 with one of them', () => {
    assert.equal(packedPolicySize({ tags: {}, transitiveTagKeys: [] }), 0)
    assert.equal(packedPolicySize({ sessionPolicy: '{}', tags: {}, transitiveTagKeys: [] }), 1)
    assert.equal(packedPolicySize({ tags: { a: '' }, transitiveTagKeys: [] }), 1)
  })

  test('leaves room for the longest names, so that what is not more than 100 can be sealed', () => {
    const ring = createSecretRing('0000000a', new Map([['0000000a', createSecretKey(Buffer.alloc(32, 1))]]))
    const longest = {
      accessKeyId: 'A'.repeat(20),
      secretAccessKey: 's'.repeat(40),
      roleArn: `arn:aws:iam::000000000000:role/${'p'.repeat(512)}${'r'.repeat(64)}`,
      roleId: 'A'.repeat(21),
      sessionName: 'n'.repeat(64),
      sourceIdentity: 'i'.repeat(64),
      issuedAt: 9_999_999_999,
      expiresAt: 9_999_999_999,
    }
    const text = fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n', 'ÿ', '€'), maxLength: 2_000 })
    const tags = fc.dictionary(fc.string({ minLength: 1, maxLength: 128 }), text, { noNullPrototype: true })
    fc.assert(
      fc.property(text, tags, (sessionPolicy, given) => {
        const packed = { sessionPolicy, tags: given, transitiveTagKeys: Object.keys(given) }
        fc.pre(packedPolicySize(packed) <= 100)
        sealSession({ ...longest, ...packed }, ring)
      }),
    )
    const most = { sessionPolicy: 'p'.repeat(4_092), tags: {}, transitiveTagKeys: [] }
    assert.equal(packedPolicySize(most), 100)
    sealSession({ ...longest, ...most }, ring)
  })
})
