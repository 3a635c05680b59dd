import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createRecordMac, createSecretRing } from '#shared/record-mac'
import { recordNameOf } from './data-key-pair.ts'
import { decodeDataKeyRecord, encodeDataKeyRecord } from './data-key-record.ts'
import { pair, record } from './data-key-store-conformance.ts'

suite('decodeDataKeyRecord()', () => {
  test('returns what was encoded', () => {
    const { recordMac, stored } = setup()
    assert.deepEqual(decodeDataKeyRecord(stored, pair, recordMac), record)
  })

  test('refuses a genuine record of another pair', () => {
    const { recordMac, stored } = setup()
    for (const field of ['topicArn', 'principal', 'configuredKeyId'] as const) {
      refuses(() => decodeDataKeyRecord(stored, { ...pair, [field]: 'other' }, recordMac))
    }
  })

  test('refuses a record with any field changed, removed or added', () => {
    const { recordMac, stored } = setup()
    const fields = JSON.parse(stored) as Record<string, unknown>
    const changes: Record<string, unknown> = {
      version: 2,
      topicArn: 'other',
      principal: 'other',
      configuredKeyId: 'other',
      encryptionContext: { 'aws:sns:topicArn': 'other' },
      keyArn: 'other',
      dataKeyId: '0'.repeat(32),
      encryptedDataKey: 'AAAA',
      issuedAt: record.issuedAt + 1,
      notAfter: record.notAfter + 1,
      mac: `0000000a.${'A'.repeat(43)}`,
    }
    assert.deepEqual(Object.keys(changes).sort(), Object.keys(fields).sort())
    for (const [name, value] of Object.entries(changes)) {
      const { [name]: _, ...rest } = fields
      refuses(() => decodeDataKeyRecord(JSON.stringify({ ...fields, [name]: value }), pair, recordMac), name)
      refuses(() => decodeDataKeyRecord(JSON.stringify(rest), pair, recordMac), name)
    }
    refuses(() => decodeDataKeyRecord(JSON.stringify({ ...fields, more: 1 }), pair, recordMac))
    const context = { 'aws:sns:topicArn': pair.topicArn, more: 'x' }
    refuses(() => decodeDataKeyRecord(JSON.stringify({ ...fields, encryptionContext: context }), pair, recordMac))
  })

  test('refuses a record made under a secret we do not hold', () => {
    const { stored } = setup({ secret: 1 })
    const { recordMac } = setup({ secret: 2 })
    refuses(() => decodeDataKeyRecord(stored, pair, recordMac))
  })

  test('refuses any other text with its own error, and quotes none of it', () => {
    const { recordMac } = setup()
    const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.json())
    fc.assert(fc.property(anyText, (text) => refuses(() => decodeDataKeyRecord(text, pair, recordMac))))
    assert.throws(
      () => decodeDataKeyRecord('{"quoted-text":1}', pair, recordMac),
      (error: Error) => !error.message.includes('quoted-text'),
    )
  })
})

suite('recordNameOf()', () => {
  test('has the frozen value for one known pair', () => {
    assert.equal(recordNameOf(pair), 'cf486ba3b7d883751112cfe61d8b06ee2e8bf69609b54affa669137fa30f041b')
  })

  test('differs whenever a part of the pair does', () => {
    const names = [
      pair,
      ...(['topicArn', 'principal', 'configuredKeyId'] as const).map((part) => ({ ...pair, [part]: 'x' })),
    ]
    assert.equal(new Set(names.map(recordNameOf)).size, names.length)
  })
})

function refuses(work: () => unknown, message?: string): void {
  assert.throws(work, { code: 'RECORD_FORGED' }, message)
}

function setup({ secret = 1 }: { secret?: number } = {}) {
  const secrets = new Map([['0000000a', createSecretKey(Buffer.alloc(32, secret))]])
  const recordMac = createRecordMac(createSecretRing('0000000a', secrets))
  return { recordMac, stored: encodeDataKeyRecord(record, pair, recordMac) }
}
