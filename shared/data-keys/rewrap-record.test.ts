import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { createRecordMac, createSecretRing } from '#shared/record-mac'
import { decodeRewrapRecord, encodeRewrapRecord, type RewrapRecord, rewrapNameOf } from './rewrap-record.ts'

const KMS_KEYS = 'arn:aws:kms:us-east-1:000000000000:key/'
const key = {
  encryptedDataKey: Buffer.alloc(184, 2),
  keyArn: `${KMS_KEYS}00000000-0000-4000-8000-000000000001`,
  topicArn: 'arn:aws:sns:us-east-1:000000000000:orders',
}
const record: RewrapRecord = {
  topicArn: key.topicArn,
  name: rewrapNameOf(key),
  sourceKeyArn: key.keyArn,
  keyArn: `${KMS_KEYS}00000000-0000-4000-8000-000000000002`,
  encryptedDataKey: Buffer.alloc(184, 3),
  rewrappedAt: 1_767_225_600_000,
}

suite('decodeRewrapRecord()', () => {
  test('returns what was encoded', () => {
    const { recordMac, stored } = setup()
    assert.deepEqual(decodeRewrapRecord(stored, record, recordMac), record)
  })

  test('refuses a genuine record of another topic or name', () => {
    const { recordMac, stored } = setup()
    refuses(() => decodeRewrapRecord(stored, { ...record, topicArn: 'other' }, recordMac))
    refuses(() => decodeRewrapRecord(stored, { ...record, name: '0'.repeat(64) }, recordMac))
  })

  test('refuses a record with any field changed, removed or added', () => {
    const { recordMac, stored } = setup()
    const fields = JSON.parse(stored) as Record<string, unknown>
    const changes: Record<string, unknown> = {
      version: 2,
      topicArn: 'other',
      sourceKeyArn: 'other',
      keyArn: 'other',
      encryptedDataKey: 'AAAA',
      rewrappedAt: record.rewrappedAt + 1,
      mac: `0000000a.${'A'.repeat(43)}`,
    }
    assert.deepEqual(Object.keys(changes).sort(), Object.keys(fields).sort())
    for (const [name, value] of Object.entries(changes)) {
      const { [name]: _, ...rest } = fields
      refuses(() => decodeRewrapRecord(JSON.stringify({ ...fields, [name]: value }), record, recordMac), name)
      refuses(() => decodeRewrapRecord(JSON.stringify(rest), record, recordMac), name)
    }
    refuses(() => decodeRewrapRecord(JSON.stringify({ ...fields, more: 1 }), record, recordMac))
  })

  test('refuses a record made under a secret we do not hold', () => {
    const { stored } = setup({ secret: 1 })
    const { recordMac } = setup({ secret: 2 })
    refuses(() => decodeRewrapRecord(stored, record, recordMac))
  })

  test('refuses any other text with its own error, and quotes none of it', () => {
    const { recordMac } = setup()
    const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.json())
    fc.assert(fc.property(anyText, (text) => refuses(() => decodeRewrapRecord(text, record, recordMac))))
    assert.throws(
      () => decodeRewrapRecord('{"quoted-text":1}', record, recordMac),
      (error: Error) => !error.message.includes('quoted-text'),
    )
  })
})

suite('rewrapNameOf()', () => {
  test('has the frozen value for one known key', () => {
    assert.equal(rewrapNameOf(key), '22b161aa2cd4115c295c917f6617606298fcf3b6f35a5636a058d4b04d01616b')
  })

  test('differs whenever a part of the key does', () => {
    const others = [{ encryptedDataKey: Buffer.from('x') }, { keyArn: 'x' }, { topicArn: 'x' }]
    assert.equal(new Set([key, ...others.map((other) => ({ ...key, ...other }))].map(rewrapNameOf)).size, 4)
  })
})

function refuses(work: () => unknown, message?: string): void {
  assert.throws(work, { code: 'RECORD_FORGED' }, message)
}

function setup({ secret = 1 }: { secret?: number } = {}) {
  const secrets = new Map([['0000000a', createSecretKey(Buffer.alloc(32, secret))]])
  const recordMac = createRecordMac(createSecretRing('0000000a', secrets))
  return { recordMac, stored: encodeRewrapRecord(record, recordMac) }
}
