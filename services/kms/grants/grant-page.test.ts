import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { deriveStoreKeys } from '../root-key.ts'
import type { Grant } from './grant.ts'
import { decodeGrantPage, encodeGrantPage } from './grant-page.ts'

const STORE_ID = '0123456789abcdef0123456789abcdef'
const STORE_KEYS = deriveStoreKeys(createSecretKey(Buffer.alloc(32, 7)), STORE_ID)
const PLACE = {
  storeId: STORE_ID,
  keyArn: 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  page: 'ab',
}
const GRANTS: readonly Grant[] = [
  {
    id: 'ab'.repeat(32),
    keyArn: PLACE.keyArn,
    name: 'publisher',
    granteePrincipal: 'arn:aws:iam::444455556666:role/publisher',
    retiringPrincipal: 'arn:aws:iam::111122223333:root',
    operations: ['GenerateDataKey', 'Decrypt'],
    constraint: { type: 'equals', pairs: new Map([['aws:sns:topicArn', 'arn:aws:sns:us-east-1:111122223333:orders']]) },
    issuingAccount: '111122223333',
    createdAt: 1_700_000_000_000,
  },
]

suite('decodeGrantPage()', () => {
  test('reads the frozen page of version 1, which is written as it was', () => {
    const vector = readFileSync(join(import.meta.dirname, '../vectors/grant-page-v1.json'), 'utf8')
    assert.deepEqual(decodeGrantPage(vector, PLACE, STORE_KEYS), GRANTS)
    assert.equal(encodeGrantPage(GRANTS, PLACE, STORE_KEYS), vector)
  })

  test('gives back what was written, whatever the names of pairs', () => {
    const text = fc.string({ unit: 'grapheme' })
    const pairs = fc.array(fc.tuple(fc.oneof(text, fc.constant('__proto__')), text)).map((all) => new Map(all))
    fc.assert(
      fc.property(pairs, fc.constantFrom('equals', 'subset'), (map, type) => {
        const grants = GRANTS.map((grant) => ({ ...grant, constraint: { type, pairs: map } }))
        const read = decodeGrantPage(encodeGrantPage(grants, PLACE, STORE_KEYS), PLACE, STORE_KEYS)
        assert.deepEqual(read, grants)
      }),
    )
  })

  test('refuses a page altered, cut, or put in the place of another', () => {
    const text = encodeGrantPage(GRANTS, PLACE, STORE_KEYS)
    const damaged = { code: 'KEYSTORE_DAMAGED' }
    for (const altered of [
      text.replace('Decrypt', 'Encrypt'),
      text.slice(0, -9),
      '',
      '{}',
      text.replace(':1,', ':2,'),
    ]) {
      assert.throws(() => decodeGrantPage(altered, PLACE, STORE_KEYS), damaged, altered)
    }
    for (const place of [{ page: 'ac' }, { keyArn: `${PLACE.keyArn}x` }, { storeId: STORE_ID.replace('0', '1') }]) {
      assert.throws(() => decodeGrantPage(text, { ...PLACE, ...place }, STORE_KEYS), damaged)
    }
  })
})
