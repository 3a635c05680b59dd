/**
 * The record that stands in for an encrypted data key: the same data key under another KMS key, so that the one it was
 * encrypted under can be retired while messages still wait.
 *
 * One for each data key, however many messages it sealed: they keep what they were stored with, and whoever is about to
 * Decrypt looks here first. Under a MAC, since it decides which KMS key is asked; the name is a hash of what it stands
 * in for, so a genuine record moved to another name does not pass. That the data key is the right one is no matter of
 * trust: the envelope commits to it.
 */

import { parseDocument, type SchemaOf, schema } from '#shared/config'
import { hashParts, type Part } from '#shared/framing'
import { RecordForgedError, type RecordMac } from '#shared/record-mac'
import { CONTEXT_KEY } from './data-key-pair.ts'

/** An encrypted data key as a message or a data-key record names it. */
export interface EncryptedDataKey {
  encryptedDataKey: Buffer
  /** Of the KMS key it is encrypted under. */
  keyArn: string
  topicArn: string
}

/** The same data key under another KMS key. */
export interface Rewrapped {
  encryptedDataKey: Buffer
  keyArn: string
  /** Epoch ms, after KMS had answered. */
  rewrappedAt: number
}

export interface RewrapRecord extends Rewrapped {
  topicArn: string
  /** `rewrapNameOf` what it stands in for. */
  name: string
  /** Of the KMS key that messages name. */
  sourceKeyArn: string
}

/** Names the record within its topic; 64 hex digits. */
export function rewrapNameOf({ encryptedDataKey, keyArn, topicArn }: EncryptedDataKey): string {
  return hashParts([encryptedDataKey, keyArn, CONTEXT_KEY, topicArn]).toString('hex')
}

const text = schema.string().max(4_096)
const storedRecord = schema.strictObject({
  version: schema.literal(1),
  topicArn: text,
  sourceKeyArn: text,
  keyArn: text,
  // At most 6,144 bytes: the bound of KMS's CiphertextBlob.
  encryptedDataKey: schema.base64().min(4).max(8_192),
  rewrappedAt: schema.number().int().nonnegative(),
  mac: text,
})

export function encodeRewrapRecord(record: RewrapRecord, recordMac: RecordMac): string {
  const stored: SchemaOf<typeof storedRecord> = {
    version: 1,
    topicArn: record.topicArn,
    sourceKeyArn: record.sourceKeyArn,
    keyArn: record.keyArn,
    encryptedDataKey: record.encryptedDataKey.toString('base64'),
    rewrappedAt: record.rewrappedAt,
    mac: recordMac.authenticate('rewrap', immutableFields(record)),
  }
  return JSON.stringify(stored)
}

/**
 * @param at where it was found: a record of another topic or name is forged here
 * @throws {RecordForgedError} when the value is no record that a holder of our secret made for this place
 */
export function decodeRewrapRecord(
  value: string,
  at: { topicArn: string; name: string },
  recordMac: RecordMac,
): RewrapRecord {
  const { mac, ...stored } = parseStored(value)
  const record: RewrapRecord = {
    topicArn: at.topicArn,
    name: at.name,
    sourceKeyArn: stored.sourceKeyArn,
    keyArn: stored.keyArn,
    encryptedDataKey: Buffer.from(stored.encryptedDataKey, 'base64'),
    rewrappedAt: stored.rewrappedAt,
  }
  recordMac.verify('rewrap', immutableFields(record), mac)
  // What is only there to be read must not lie to its reader either.
  if (stored.topicArn !== at.topicArn) {
    throw new RecordForgedError('Cannot trust a stored record: a rewrapped data key names another topic')
  }
  return record
}

function parseStored(value: string): SchemaOf<typeof storedRecord> {
  try {
    return parseDocument('rewrap record', storedRecord, value)
  } catch {
    // The parser's message would name keys of the document, which are whatever somebody wrote.
    throw new RecordForgedError('Cannot trust a stored record: a rewrapped data key has not the form of one')
  }
}

function immutableFields({ topicArn, name, sourceKeyArn, ...rewrapped }: RewrapRecord): Part[] {
  const { keyArn, encryptedDataKey, rewrappedAt } = rewrapped
  return [topicArn, name, sourceKeyArn, CONTEXT_KEY, topicArn, keyArn, encryptedDataKey, String(rewrappedAt)]
}
