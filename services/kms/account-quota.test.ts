import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  isMoreMetadata,
  MAX_ALIASES,
  MAX_KEYS,
  MAX_METADATA,
  requireAliasQuota,
  requireKeyQuota,
} from './account-quota.ts'
import type { Alias, KmsKey } from './keystore-file.ts'

suite('requireKeyQuota()', () => {
  test('counts keys of all regions, of one account alone', () => {
    const keys = Array.from({ length: MAX_KEYS }, (_, at) => keyOf({ account: A, region: at % 2 ? 'x' : 'y' }))
    requireKeyQuota(keys, A)
    requireKeyQuota([...keys, keyOf({ account: B })], A)
    assert.throws(() => requireKeyQuota([...keys, keyOf({ account: A })], A), { code: 'LIMIT_EXCEEDED' })
    requireKeyQuota([...keys, keyOf({ account: A })], B)
  })

  test('counts the characters of descriptions, tags and policies together', () => {
    const half = 'x'.repeat(MAX_METADATA / 2)
    const quarter = half.slice(MAX_METADATA / 4)
    const keys = [
      keyOf({ account: A, description: half }),
      keyOf({ account: A, tags: [{ key: 'ab', value: quarter.slice(2) }] }),
      keyOf({ account: A, policy: quarter }),
    ]
    requireKeyQuota(keys, A)
    assert.throws(() => requireKeyQuota([...keys, keyOf({ account: A, description: 'x' })], A), {
      code: 'LIMIT_EXCEEDED',
    })
  })
})

suite('requireAliasQuota()', () => {
  test('counts aliases of one account alone', () => {
    const aliases = Array.from({ length: MAX_ALIASES }, () => aliasOf(A))
    requireAliasQuota([...aliases, aliasOf(B)], A)
    assert.throws(() => requireAliasQuota([...aliases, aliasOf(A)], A), { code: 'LIMIT_EXCEEDED' })
  })
})

suite('isMoreMetadata()', () => {
  test('tells growth from every other change', () => {
    const key = keyOf({ account: A, description: 'abc' })
    assert.equal(isMoreMetadata({ ...key, tags: [{ key: 'a', value: '' }] }, key), true)
    assert.equal(isMoreMetadata({ ...key, policy: '{}' }, key), true)
    assert.equal(isMoreMetadata({ ...key, description: 'ab' }, key), false)
    assert.equal(isMoreMetadata({ ...key, state: 'PendingDeletion', deletionAt: 1 }, key), false)
  })
})

const A = '111122223333'
const B = '444455556666'

function keyOf(o: Partial<KmsKey>): KmsKey {
  const fixed = {
    id: 'a',
    arn: 'a',
    account: A,
    region: 'r',
    createdAt: 1,
    manager: 'CUSTOMER',
    state: 'Enabled',
  } as const
  return { ...fixed, description: '', tags: [], materials: [], ...o }
}

function aliasOf(account: string): Alias {
  return { name: 'alias/a', account, region: 'r', arn: 'a', targetKeyId: 'a', createdAt: 1, updatedAt: 1 }
}
