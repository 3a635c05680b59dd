import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createSigningKeys, deriveSigningKey } from './signing-key.ts'

suite('deriveSigningKey()', () => {
  test("gives the key of AWS's documented example", () => {
    const key = deriveSigningKey(SECRET, { scopeDate: '20150830', region: 'us-east-1', service: 'iam' })
    assert.equal(key.export().toString('hex'), 'c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9')
  })
})

suite('SigningKeys.obtain()', () => {
  test('derives a key once', () => {
    const keys = createSigningKeys({ capacity: 2 })
    assert.equal(keys.obtain(SECRET, SCOPE), keys.obtain(SECRET, SCOPE))
  })

  test('has another key for every other secret, date, region and service', () => {
    const keys = createSigningKeys({ capacity: 10 })
    const all = [
      keys.obtain(SECRET, SCOPE),
      keys.obtain('another secret', SCOPE),
      keys.obtain(SECRET, { ...SCOPE, scopeDate: '20260102' }),
      keys.obtain(SECRET, { ...SCOPE, region: 'eu-west-1' }),
      keys.obtain(SECRET, { ...SCOPE, service: 'kms' }),
    ].map((key) => key.export().toString('hex'))
    assert.equal(new Set(all).size, all.length)
  })

  test('keeps no more keys than its capacity, and drops the one unused for longest', () => {
    const keys = createSigningKeys({ capacity: 2 })
    const [a, b] = [keys.obtain('a', SCOPE), keys.obtain('b', SCOPE)]
    assert.equal(keys.obtain('a', SCOPE), a)
    keys.obtain('c', SCOPE)
    assert.equal(keys.obtain('a', SCOPE), a)
    assert.notEqual(keys.obtain('b', SCOPE), b)
  })
})

const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const SCOPE = { scopeDate: '20260101', region: 'us-east-1', service: 'sns' }
