import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { MAX_PAIRS } from './actions/read-encryption-context.ts'
import { accountConditions, countSpellings, keyConditions } from './key-conditions.ts'

const KEY = { account: '000000000000', arn: 'arn:aws:kms:us-east-1:000000000000:key/a' }
const NOTHING = { caller: new Map(), aliasesOf: () => [] }

suite('keyConditions()', () => {
  test('has one context for each name in one case, and one more for each that differs in case alone', () => {
    const encryptionContext = new Map([
      ['topic', 'mine'],
      ['other', 'same'],
      ['TOPIC', 'theirs'],
    ])
    const tags = [
      { key: 'env', value: 'dev' },
      { key: 'Env', value: 'test' },
      { key: 'ENV', value: 'prod' },
    ]
    const contexts = keyConditions({ ...KEY, tags }, { permission: 'Encrypt', encryptionContext }, NOTHING)
    const valuesOf = (name: string) => contexts.map((context) => context.get(name))
    assert.deepEqual(valuesOf('kms:encryptioncontext:topic'), ['mine', 'theirs', 'theirs'])
    assert.deepEqual(valuesOf('kms:encryptioncontext:other'), ['same', 'same', 'same'])
    assert.deepEqual(valuesOf('aws:resourcetag/env'), ['dev', 'test', 'prod'])
  })

  test('costs no more than the pairs and the spellings together', () => {
    const names = Array.from({ length: MAX_PAIRS * 20 }, (_, n) => spelling(n))
    const others = Array.from({ length: MAX_PAIRS * 20 }, (_, n) => `n${n}`)
    const encryptionContext = new Map([...names, ...others].map((name) => [name, '']))
    const since = performance.now()
    keyConditions(KEY, { permission: 'Encrypt', encryptionContext }, NOTHING)
    // The product of both took three seconds.
    assert.ok(performance.now() - since < 500)
  })
})

suite('accountConditions()', () => {
  test('tells tags of the request from none', () => {
    const get = (tags: Parameters<typeof accountConditions>[1]) =>
      accountConditions(new Map(), tags)[0]?.get('aws:tagkeys')
    assert.deepEqual(get([{ key: 'Env', value: 'dev' }]), ['Env'])
    assert.equal(get(undefined), undefined)
  })
})

suite('countSpellings()', () => {
  test('counts the names that are the same but for their case', () => {
    assert.equal(countSpellings([]), 0)
    assert.equal(countSpellings(['a', 'b']), 1)
    assert.equal(countSpellings(['a', 'b', 'B', 'A', 'a']), 3)
  })
})

/** The n-th of 65,536. */
function spelling(n: number): string {
  return [...'abcdefghijklmnop'].map((letter, at) => ((n >> at) & 1 ? letter.toUpperCase() : letter)).join('')
}
