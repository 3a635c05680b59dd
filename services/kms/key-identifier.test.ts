import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { NotFoundError } from './errors.ts'
import { parseKeyIdentifier } from './key-identifier.ts'

const PLACE = { account: '111122223333', region: 'us-east-1' }
const ID = '1234abcd-12ab-34cd-56ef-1234567890ab'
const ARN = `arn:aws:kms:us-east-1:111122223333:key/${ID}`
const ALIAS_ARN = 'arn:aws:kms:us-east-1:111122223333:alias/app/blue'

suite('parseKeyIdentifier()', () => {
  test('places bare ids and aliases in the account and region of the caller', () => {
    assert.deepEqual(parse(ID), { kind: 'key', arn: ARN, account: PLACE.account })
    assert.deepEqual(parse('alias/app/blue'), { kind: 'alias', arn: ALIAS_ARN, account: PLACE.account })
  })

  test('takes ARNs as they are, of other accounts too', () => {
    assert.deepEqual(parse(ARN), { kind: 'key', arn: ARN, account: PLACE.account })
    assert.deepEqual(parse(ALIAS_ARN), { kind: 'alias', arn: ALIAS_ARN, account: PLACE.account })
    const foreign = ARN.replace('111122223333', '444455556666')
    assert.deepEqual(parse(foreign), { kind: 'key', arn: foreign, account: '444455556666' })
  })

  test('takes ids of multi-Region keys', () => {
    assert.equal(parse(`mrk-${'0'.repeat(32)}`).arn, ARN.replace(ID, `mrk-${'0'.repeat(32)}`))
  })

  test('names the region of an ARN from elsewhere', () => {
    assert.throws(() => parse(ARN.replace('us-east-1', 'us-west-2')), {
      name: 'NotFoundError',
      message: 'Invalid arn us-west-2',
    })
  })

  for (const identifier of [
    'xyz',
    ID.replaceAll('-', ''),
    ID.toUpperCase(),
    `${ID} `,
    `key/${ID}`,
    'mrk-12',
    'arn:aws:kms',
    `arn:aws:sns:us-east-1:111122223333:key/${ID}`,
    `arn:aws:kms:us-east-1:1111:key/${ID}`,
    'arn:aws:kms:us-east-1:111122223333:key/alias/x',
    '',
  ]) {
    test(`refuses what can name no key: '${identifier}'`, () => {
      assert.throws(() => parse(identifier), { name: 'NotFoundError', message: `Invalid keyId '${identifier}'` })
    })
  }

  test('refuses aliases where only keys are meant', () => {
    for (const alias of ['alias/app', ALIAS_ARN]) {
      assert.throws(() => parseKeyIdentifier(alias, PLACE, { aliases: false }), NotFoundError)
    }
  })

  test('gives an ARN or NotFoundError for any text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((s) => ARN + s),
          fc.string().map((s) => `arn:aws:kms:${s}`),
        ),
        (text) => {
          try {
            assert.match(parse(text).arn, /^arn:aws:kms:us-east-1:\d{12}:(key|alias)\//)
          } catch (error) {
            assert.ok(error instanceof NotFoundError)
          }
        },
      ),
    )
  })
})

function parse(identifier: string) {
  return parseKeyIdentifier(identifier, PLACE, { aliases: true })
}
