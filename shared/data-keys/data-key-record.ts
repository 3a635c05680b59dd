/**
 * The record by which gateways share one data key: the encrypted key, whom it serves, and how long.
 *
 * JSON, so that an operator can read it; base64 and hex stand for bytes that are public. Whoever can
 * write to Redis could otherwise hand gateways an old key for ever or a key of another pair, so all of
 * it is under a MAC, and the pair it names must be the pair that was looked up.
 */

import { parseDocument, type SchemaOf, schema } from '#shared/config'
import type { Part } from '#shared/framing'
import { RecordForgedError, type RecordMac } from '#shared/record-mac'
import { CONTEXT_KEY, type DataKeyPair, recordNameOf } from './data-key-pair.ts'

export interface DataKeyRecord {
  dataKeyId: Buffer
  encryptedDataKey: Buffer
  keyArn: string
  /** Epoch ms, just before the request to KMS. */
  issuedAt: number
  /** Epoch ms; nothing may be sealed with the key from then on. */
  notAfter: number
}

const text = schema.string().max(4_096)
const time = schema.number().int().nonnegative()
const storedRecord = schema.strictObject({
  version: schema.literal(1),
  topicArn: text,
  principal: text,
  configuredKeyId: text,
  encryptionContext: schema.record(text, text),
  keyArn: text,
  dataKeyId: schema.string().regex(/^[0-9a-f]{32}$/),
  // At most 6,144 bytes: the bound of KMS's CiphertextBlob.
  encryptedDataKey: schema.base64().min(4).max(8_192),
  issuedAt: time,
  notAfter: time,
  mac: text,
})

export function encodeDataKeyRecord(record: DataKeyRecord, pair: DataKeyPair, recordMac: RecordMac): string {
  const stored: SchemaOf<typeof storedRecord> = {
    version: 1,
    topicArn: pair.topicArn,
    principal: pair.principal,
    configuredKeyId: pair.configuredKeyId,
    encryptionContext: { [CONTEXT_KEY]: pair.topicArn },
    keyArn: record.keyArn,
    dataKeyId: record.dataKeyId.toString('hex'),
    encryptedDataKey: record.encryptedDataKey.toString('base64'),
    issuedAt: record.issuedAt,
    notAfter: record.notAfter,
    mac: recordMac.authenticate('data-key', immutableFields(record, pair)),
  }
  return JSON.stringify(stored)
}

/**
 * @param pair the one that was looked up: a record of another pair is forged here
 * @throws {RecordForgedError} when the value is no record of the pair that a holder of our secret made
 */
export function decodeDataKeyRecord(value: string, pair: DataKeyPair, recordMac: RecordMac): DataKeyRecord {
  const stored = parseStored(value)
  const record: DataKeyRecord = {
    dataKeyId: Buffer.from(stored.dataKeyId, 'hex'),
    encryptedDataKey: Buffer.from(stored.encryptedDataKey, 'base64'),
    keyArn: stored.keyArn,
    issuedAt: stored.issuedAt,
    notAfter: stored.notAfter,
  }
  // Over the pair looked up, so that a genuine record moved to another name does not pass.
  recordMac.verify('data-key', immutableFields(record, pair), stored.mac)
  // What is only there to be read must not lie to its reader either.
  const context = Object.entries(stored.encryptionContext)
  const namesPair =
    stored.topicArn === pair.topicArn &&
    stored.principal === pair.principal &&
    stored.configuredKeyId === pair.configuredKeyId &&
    context.length === 1 &&
    context[0]?.[0] === CONTEXT_KEY &&
    context[0][1] === pair.topicArn
  if (!namesPair) throw new RecordForgedError('Cannot trust a stored record: a data key names another pair')
  return record
}

/**
 * For whoever reads all records rather than one of a known pair.
 *
 * @param at where it was found: a record of another pair than the name says is forged here
 * @throws {RecordForgedError}
 */
export function decodeFoundDataKeyRecord(
  value: string,
  at: { topicArn: string; name: string },
  recordMac: RecordMac,
): DataKeyRecord & DataKeyPair {
  const { principal, configuredKeyId } = parseStored(value)
  const pair = { topicArn: at.topicArn, principal, configuredKeyId }
  if (recordNameOf(pair) !== at.name) {
    throw new RecordForgedError('Cannot trust a stored record: a data key lies under the name of another pair')
  }
  return { ...pair, ...decodeDataKeyRecord(value, pair, recordMac) }
}

function parseStored(value: string): SchemaOf<typeof storedRecord> {
  try {
    return parseDocument('data-key record', storedRecord, value)
  } catch {
    // Nobody but us writes there, so what is malformed is forged as well. The parser's message would
    // name keys of the document, which are whatever somebody wrote.
    throw new RecordForgedError('Cannot trust a stored record: a data key has not the form of one')
  }
}

function immutableFields(record: DataKeyRecord, pair: DataKeyPair): Part[] {
  return [
    pair.topicArn,
    pair.principal,
    pair.configuredKeyId,
    CONTEXT_KEY,
    pair.topicArn,
    record.dataKeyId,
    record.keyArn,
    record.encryptedDataKey,
    String(record.issuedAt),
    String(record.notAfter),
  ]
}
