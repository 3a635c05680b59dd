import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { countField, issuedField, ledgerKey, monthOf, parseLedger, parseLedgerKey } from './ledger-hash.ts'
import { pairCallsOf } from './pair-calls.ts'

const topicArn = 'arn:aws:sns:us-east-1:000000000000:orders.fifo'
const alice = 'arn:aws:iam::000000000000:user/teams/alice'
const role = 'arn:aws:iam::000000000000:role/importer'

const month = '2026-01'
const key = 'arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab'
const deliver = { operation: 'Decrypt', purpose: 'deliver', isOk: true, key }
const issue = { operation: 'GenerateDataKey', purpose: 'issue', isOk: false, key: 'alias/none' }
const day = { from: Date.UTC(2026, 0, 3), until: Date.UTC(2026, 0, 4) }

suite('parseLedger()', () => {
  test('reads back what was counted, and what an older release did, which knew neither key nor day', () => {
    const page = parseLedger(
      {
        [countField({ principal: alice, ...deliver })]: '03=7',
        [`${alice}\nDecrypt\ndeliver\nok`]: '5',
        [countField({ principal: role, ...issue })]: '03=2',
        [issuedField({ principal: alice, key })]: '1767225600000 1767225900000',
        [`${alice}\nissued`]: '1767225300000 1767225300000',
      },
      { month },
    )
    const old = { from: Date.UTC(2026, 0), until: Date.UTC(2026, 1), key: undefined, count: 5 }
    assert.deepEqual(page, {
      counts: [
        { principal: alice, ...deliver, ...day, count: 7 },
        { principal: alice, ...deliver, ...old },
        { principal: role, ...issue, ...day, count: 2 },
      ],
      issues: [
        { principal: alice, key, first: 1_767_225_600_000, last: 1_767_225_900_000 },
        { principal: alice, key: undefined, first: 1_767_225_300_000, last: 1_767_225_300_000 },
      ],
    })
    assert.deepEqual(pairCallsOf(page), [
      {
        principal: role,
        calls: [{ operation: 'GenerateDataKey', purpose: 'issue', isOk: false, count: 2 }],
        issued: undefined,
      },
      {
        principal: alice,
        calls: [{ operation: 'Decrypt', purpose: 'deliver', isOk: true, count: 12 }],
        issued: { first: 1_767_225_300_000, last: 1_767_225_900_000 },
      },
    ])
  })

  test('reads back publishers with limits of their own, and services', () => {
    const hash = '0123456789abcdef0123456789abcdef'
    for (const principal of [`${role}#${hash}`, 's3.amazonaws.com', `s3.amazonaws.com#${hash}`]) {
      const { counts } = parseLedger({ [countField({ principal, ...deliver })]: '03=1' }, { month })
      assert.equal(counts[0]?.principal, principal)
    }
  })

  test('counts a key that KMS has no such name for as malformed', () => {
    const fields = { [countField({ principal: alice, ...issue, key: '\u001b[2J\nx' })]: '03=1' }
    assert.equal(parseLedger(fields, { month }).counts[0]?.key, 'malformed')
  })

  test('leaves out what does not read as a count', () => {
    const field = countField({ principal: alice, ...deliver })
    for (const [name, value] of [
      [field, '7'],
      [field, '03=-1'],
      [field, ''],
      [field.replace('alice', '\u001b[2Jalice'), '03=1'],
      [field.replace('Decrypt', 'De crypt'), '03=1'],
      [`${field}\n`, '03=1'],
      [field.replace('key/', '\u001b[2J'), '03=1'],
      // What every object has a member of.
      [field.replace('deliver', 'constructor'), '03=1'],
      [issuedField({ principal: alice, key }), '1'],
      ['', '03=1'],
    ] as const) {
      assert.deepEqual(parseLedger({ [name]: value }, { month }), { counts: [], issues: [] }, JSON.stringify(name))
    }
  })

  test('takes any fields, and gives on only what a terminal can be shown', () => {
    const text = fc.string({ unit: 'binary', maxLength: 60 })
    const field = fc.oneof(
      text,
      fc.tuple(text, text, text).map(([a, b, c]) => `${alice}${a}\nDecrypt\n${b}\nok\n${c}`),
    )
    const value = fc.oneof(
      text,
      fc.nat().map((count) => `03=${count}`),
    )
    fc.assert(
      fc.property(fc.dictionary(field, value), (fields) => {
        for (const { principal, operation, purpose, key, count } of parseLedger(fields, { month }).counts) {
          assert.match(`${principal} ${key}`, /^[!-~]+ [!-~]+$/)
          assert.match(`${operation} ${purpose}`, /^[A-Za-z]+ [a-z-]+$/)
          assert.ok(Number.isSafeInteger(count) && count > 0)
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
      ledgerKey({ topicArn, month: '2026-13' }),
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
