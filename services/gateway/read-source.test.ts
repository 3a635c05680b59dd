import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createTestPrincipal } from '#shared/test-principals'
import { actingFor, readSource } from './read-source.ts'

const service = createTestPrincipal({ arn: 's3.amazonaws.com', kind: 'service', account: 'aws' })
const ARN = 'arn:aws:s3:::pictures'
const ACCOUNT = '111122223333'

suite('readSource()', () => {
  test('reads what a service says', () => {
    const headers = { 'x-amz-source-arn': ARN, 'x-amz-source-account': ACCOUNT }
    assert.deepEqual(readSource(service, headers), { arn: ARN, account: ACCOUNT })
    assert.deepEqual(readSource(service, { 'x-amz-source-arn': ARN }), { arn: ARN })
    assert.deepEqual(readSource(service, { 'x-amz-source-account': ACCOUNT }), { account: ACCOUNT })
    assert.equal(readSource(service, {}), undefined)
  })

  test('believes nobody else, and does not even look', () => {
    for (const kind of ['user', 'root', 'role-session'] as const) {
      for (const arn of [ARN, 'nonsense', '']) {
        assert.equal(readSource({ kind }, { 'x-amz-source-arn': arn, 'x-amz-source-account': ACCOUNT }), undefined)
      }
    }
  })

  for (const arn of [
    '',
    '*',
    'pictures',
    'arn:aws:s3:::',
    'arn:aws:s3:::*',
    'arn:aws:s3:::a?c',
    'arn:aws:s3:::a b',
    'arn:aws:s3:::\u00e9',
    'arn:aws:*:::pictures',
    'arn:aws:s3::1234:pictures',
    `arn:aws:s3:::${'a'.repeat(1025)}`,
    ` ${ARN}`,
    `${ARN}\n`,
  ]) {
    test(`refuses the source ARN ${JSON.stringify(arn).slice(0, 60)}`, () => {
      assert.throws(() => readSource(service, { 'x-amz-source-arn': arn }), { code: 'INVALID_PARAMETER' })
    })
  }

  for (const account of ['', '*', '1234', '1111222233334', '11112222333a', `${ACCOUNT},${ACCOUNT}`, '١١١١٢٢٢٢٣٣٣٣']) {
    test(`refuses the source account ${JSON.stringify(account)}`, () => {
      assert.throws(() => readSource(service, { 'x-amz-source-account': account }), { code: 'INVALID_PARAMETER' })
    })
  }

  test('refuses a header that is there twice, and an account that is not that of the ARN', () => {
    for (const headers of [
      { 'x-amz-source-arn': [ARN, 'arn:aws:s3:::other'] },
      { 'x-amz-source-account': [ACCOUNT, ACCOUNT] },
      { 'x-amz-source-arn': `arn:aws:events:eu-west-1:444455556666:rule/r`, 'x-amz-source-account': ACCOUNT },
    ]) {
      assert.throws(() => readSource(service, headers), { code: 'INVALID_PARAMETER' })
    }
  })

  test('repeats nothing that was sent in its text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 8 }), (text) => {
        try {
          readSource(service, { 'x-amz-source-arn': text })
        } catch (error) {
          assert.ok(!String(error).includes(text))
        }
      }),
    )
  })
})

suite('actingFor()', () => {
  test('makes another publisher of each source, and the same of the same', () => {
    const sources = [{}, { arn: ARN }, { account: ACCOUNT }, { arn: ARN, account: ACCOUNT }, { arn: `${ARN}2` }]
    const publishers = sources.map((source) => actingFor(service, source).publisher)
    assert.equal(new Set([service.publisher, ...publishers]).size, sources.length + 1)
    assert.deepEqual(
      publishers,
      sources.map((source) => actingFor(service, { ...source }).publisher),
    )
    for (const publisher of publishers) assert.match(publisher, /^s3\.amazonaws\.com#[0-9a-f]{32}$/)
  })

  test('leaves a service that names no source as it is', () => {
    assert.equal(actingFor(service, undefined), service)
  })
})
