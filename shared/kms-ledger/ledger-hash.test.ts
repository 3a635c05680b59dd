import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { countField, issuedField, ledgerKey, monthOf, parseLedger, parseLedgerKey } from './ledger-hash.ts'

const topicArn = 'arn:aws:sns:us-east-1:000000000000:orders.fifo'
const alice = 'arn:aws:iam::000000000000:user/teams/alice'
const role = 'arn:aws:iam::000000000000:role/importer'

suite('parseLedger()', () => {
  test('reads back what was counted, by publisher', () => {
    const deliver = { operation: 'Decrypt', purpose: 'deliver', isOk: true }
    const issue = { operation: 'GenerateDataKey', purpose: 'issue', isOk: false }
    assert.deepEqual(
      parseLedger({
        [countField({ principal: alice, ...deliver })]: '7',
        [countField({ principal: role, ...issue })]: '2',
        [issuedField(alice)]: '1767225600000 1767225900000',
      }),
      [
        { principal: role, calls: [{ ...issue, count: 2 }], issued: undefined },
        {
          principal: alice,
          calls: [{ ...deliver, count: 7 }],
          issued: { first: 1_767_225_600_000, last: 1_767_225_900_000 },
        },
      ],
    )
  })

  test('reads back publishers with limits of their own, and services', () => {
    const hash = '0123456789abcdef0123456789abcdef'
    for (const principal of [`${role}#${hash}`, 's3.amazonaws.com', `s3.amazonaws.com#${hash}`]) {
      const fields = { [countField({ principal, operation: 'Decrypt', purpose: 'deliver', isOk: true })]: '1' }
      assert.equal(parseLedger(fields)[0]?.principal, principal)
    }
  })

  test('leaves out what does not read as a count', () => {
    const field = countField({ principal: alice, operation: 'Decrypt', purpose: 'deliver', isOk: true })
    for (const [name, value] of [
      [field, '-1'],
      [field, '1e9'],
      [field, ''],
      [field.replace('alice', '\u001b[2Jalice'), '1'],
      [field.replace('Decrypt', 'De crypt'), '1'],
      [`${field}\n`, '1'],
      // What every object has a member of.
      [field.replace('deliver', 'constructor'), '1'],
      [issuedField(alice), '1'],
      ['', '1'],
    ] as const) {
      assert.deepEqual(parseLedger({ [name]: value }), [], JSON.stringify(name))
    }
  })

  test('takes any fields, and gives on only what a terminal can be shown', () => {
    const text = fc.string({ unit: 'binary', maxLength: 60 })
    const field = fc.oneof(
      text,
      fc.tuple(text, text).map(([a, b]) => `${alice}${a}\nDecrypt\n${b}\nok`),
    )
    fc.assert(
      fc.property(fc.dictionary(field, fc.oneof(text, fc.nat().map(String))), (fields) => {
        for (const { principal, calls } of parseLedger(fields)) {
          assert.match(principal, /^[!-~]+$/)
          for (const { operation, purpose, count } of calls) {
            assert.match(`${operation} ${purpose}`, /^[A-Za-z]+ [a-z-]+$/)
            assert.ok(Number.isSafeInteger(count) && count > 0)
          }
        }
      }),
    )
  })
})

suite('parseLedgerKey()', () => {
  test('reads back a key, and no other text', () => {
    const name = { topicArn, month: '2026-01' }
    assert.deepEqual(parseLedgerKey(ledgerKey(name)), name)
    for (const other of [
      `${ledgerKey(name)}x`,
      ledgerKey({ topicArn: 'arn:\u001b', month: '2026-01' }),
      ledgerKey({ topicArn, month: '*' }),
    ]) {
      assert.equal(parseLedgerKey(other), undefined)
    }
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.equal(parseLedgerKey(text), undefined)
      }),
    )
  })
})

suite('monthOf()', () => {
  test('is the month in UTC', () => {
    assert.equal(monthOf(Date.UTC(2026, 0, 31, 23, 59, 59, 999)), '2026-01')
    assert.equal(monthOf(Date.UTC(2026, 1, 1)), '2026-02')
  })
})
