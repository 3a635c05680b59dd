/**
 * The envelope's bytes: magic, version, suite, data-key id, commitment, nonce, ciphertext, tag.
 *
 * Everything before the ciphertext has a fixed length, so that parsing cannot run out of bounds once
 * the total is checked, and the ciphertext is whatever lies between header and tag. The encrypted
 * data key is not in here: it lies beside the envelope, so that it can be re-encrypted alone.
 *
 * Knows no key and authenticates nothing. The layout is frozen; README.md has it as a table.
 */

import { EnvelopeFormatError } from './errors.ts'

/** 'SC'. */
export const MAGIC = Uint8Array.of(0x53, 0x43)
export const VERSION = 1
/** HKDF-SHA-256, AES-256-GCM with a 128-bit tag, key commitment. */
export const SUITE = 1
export const DATA_KEY_ID_BYTES = 16
/** A SHA-256-sized commitment: as hard to collide as the hash. */
export const COMMITMENT_BYTES = 32
/** The length that AES-GCM is specified for. NIST SP 800-38D, 5.2.1.1. */
export const NONCE_BYTES = 12
/** The full 128 bits. NIST SP 800-38D, 5.2.1.2. */
export const TAG_BYTES = 16

export const DATA_KEY_ID_AT = 4
export const COMMITMENT_AT = DATA_KEY_ID_AT + DATA_KEY_ID_BYTES
export const NONCE_AT = COMMITMENT_AT + COMMITMENT_BYTES
export const CIPHERTEXT_AT = NONCE_AT + NONCE_BYTES
const SMALLEST_BYTES = CIPHERTEXT_AT + TAG_BYTES

/** Views into the envelope; nothing is copied. */
export interface EnvelopeParts {
  dataKeyId: Buffer
  commitment: Buffer
  nonce: Buffer
  ciphertext: Buffer
  tag: Buffer
}

/** @throws {EnvelopeFormatError} when the bytes are no envelope of this version */
export function parseEnvelope(envelope: Uint8Array): EnvelopeParts {
  const bytes = Buffer.from(envelope.buffer, envelope.byteOffset, envelope.byteLength)
  checkFormat(bytes)
  const tagAt = bytes.byteLength - TAG_BYTES
  return {
    dataKeyId: bytes.subarray(DATA_KEY_ID_AT, COMMITMENT_AT),
    commitment: bytes.subarray(COMMITMENT_AT, NONCE_AT),
    nonce: bytes.subarray(NONCE_AT, CIPHERTEXT_AT),
    ciphertext: bytes.subarray(CIPHERTEXT_AT, tagAt),
    tag: bytes.subarray(tagAt),
  }
}

/**
 * Which data key the envelope says it was sealed with; a copy of 16 bytes. Nothing is authenticated.
 *
 * @throws {EnvelopeFormatError} when the bytes are no envelope of this version
 */
export function readDataKeyId(envelope: Uint8Array): Buffer {
  checkFormat(envelope)
  return Buffer.from(envelope.subarray(DATA_KEY_ID_AT, COMMITMENT_AT))
}

function checkFormat(bytes: Uint8Array): void {
  if (bytes.byteLength < SMALLEST_BYTES) throw new EnvelopeFormatError('too short')
  if (bytes[0] !== MAGIC[0] || bytes[1] !== MAGIC[1]) throw new EnvelopeFormatError('bad magic')
  if (bytes[2] !== VERSION) throw new EnvelopeFormatError('unknown version')
  if (bytes[3] !== SUITE) throw new EnvelopeFormatError('unknown suite')
}
