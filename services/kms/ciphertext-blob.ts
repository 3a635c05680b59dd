/**
 * The ciphertext this KMS hands out and takes back. The byte layout is frozen: stored messages
 * carry it for as long as they rest.
 *
 * | offset | bytes | field |
 * |---|---|---|
 * | 0 | 2 | magic, `SK` |
 * | 2 | 1 | format version, 1 |
 * | 3 | 1 | algorithm in the low 7 bits: 1 = HKDF-SHA-256, then AES-256-GCM; top bit: the key id is `mrk-…` |
 * | 4 | 16 | key id |
 * | 20 | 32 | id of the key material |
 * | 52 | 16 | nonce, the salt of HKDF |
 * | 68 | 12 | IV |
 * | 80 | n | ciphertext, 1 to 4,096 bytes |
 * | 80 + n | 16 | tag |
 *
 * Each blob has a key of its own: HKDF-SHA-256(material, salt = nonce, info = label and bytes 0–79).
 * AES-GCM's bound on messages under one key is therefore never met, however long a KMS key lives.
 * AAD: bytes 0–79, the key's full ARN and the canonical encryption context, length-prefixed; a blob
 * carried to a keystore with another account or region does not open.
 *
 * Pure but for nonce and IV. Rules: NIST SP 800-38D (AES-GCM), RFC 5869 (HKDF).
 */

import { createCipheriv, createDecipheriv, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'
import { frame } from '#shared/framing'
import { canonicalContext, type EncryptionContext } from './encryption-context.ts'
import { InvalidCiphertextError } from './errors.ts'

/** What a blob says about itself; not authenticated until it is opened. */
interface BlobHeader {
  /** As KMS writes it: a lower-case UUID, or `mrk-` and 32 hex digits. */
  readonly keyId: string
  /** 64 lower-case hex digits. */
  readonly materialId: string
}

/** Where a blob belongs: all of it is authenticated. */
export interface BlobContext {
  readonly keyArn: string
  readonly keyId: string
  readonly materialId: string
  /** 32 bytes. */
  readonly material: KeyObject
  readonly encryptionContext: EncryptionContext
}

const MAGIC = 'SK'
const VERSION = 1
const ALGORITHM = 1
const MULTI_REGION_FLAG = 0x80
const KEY_ID_AT = 4
const MATERIAL_ID_AT = 20
const NONCE_AT = 52
const IV_AT = 68
const HEADER_BYTES = 80
/** The full 128 bits. NIST SP 800-38D, 5.2.1.2; Node would accept a shorter tag unless told. */
const TAG_BYTES = 16
/** KMS's limit on plaintext. */
const MAX_PLAINTEXT_BYTES = 4096
const KEY_LABEL = 'sealcast.kms.blob.v1'

/**
 * Encrypts `plaintext`, 1 to 4,096 bytes.
 *
 * @throws {RangeError} on another length, which no caller may let come so far
 */
export function sealBlob(plaintext: Uint8Array, context: BlobContext): Buffer {
  if (plaintext.byteLength < 1 || plaintext.byteLength > MAX_PLAINTEXT_BYTES) {
    throw new RangeError(`Cannot seal a blob: ${plaintext.byteLength} bytes of plaintext`)
  }
  const blob = Buffer.alloc(HEADER_BYTES + plaintext.byteLength + TAG_BYTES)
  writeHeader(blob, context)
  const header = blob.subarray(0, HEADER_BYTES)
  const key = messageKey(header, context.material)
  try {
    const cipher = createCipheriv('aes-256-gcm', key, header.subarray(IV_AT), { authTagLength: TAG_BYTES })
    cipher.setAAD(aadOf(header, context))
    blob.set(cipher.update(plaintext), HEADER_BYTES)
    cipher.final()
    blob.set(cipher.getAuthTag(), HEADER_BYTES + plaintext.byteLength)
    return blob
  } finally {
    key.fill(0)
  }
}

/**
 * Reads which key a blob needs.
 *
 * @throws {InvalidCiphertextError} when it is none of this format
 */
export function readBlobHeader(blob: Uint8Array): BlobHeader {
  const bytes = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength)
  const plaintextBytes = bytes.byteLength - HEADER_BYTES - TAG_BYTES
  if (plaintextBytes < 1 || plaintextBytes > MAX_PLAINTEXT_BYTES) throw new InvalidCiphertextError()
  const algorithm = bytes.readUInt8(3)
  const known =
    bytes.toString('latin1', 0, 2) === MAGIC &&
    bytes.readUInt8(2) === VERSION &&
    (algorithm & ~MULTI_REGION_FLAG) === ALGORITHM
  if (!known) throw new InvalidCiphertextError()
  const hex = bytes.toString('hex', KEY_ID_AT, MATERIAL_ID_AT)
  return {
    keyId: (algorithm & MULTI_REGION_FLAG) === 0 ? uuidOf(hex) : `mrk-${hex}`,
    materialId: bytes.toString('hex', MATERIAL_ID_AT, NONCE_AT),
  }
}

/**
 * Decrypts a blob under the key and material that its header names.
 *
 * @throws {InvalidCiphertextError} for altered bytes, another key and another encryption context alike
 */
export function openBlob(blob: Uint8Array, context: BlobContext): Buffer {
  const { keyId, materialId } = readBlobHeader(blob)
  if (keyId !== context.keyId || materialId !== context.materialId) throw new InvalidCiphertextError()
  const bytes = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength)
  const header = bytes.subarray(0, HEADER_BYTES)
  const tagAt = bytes.byteLength - TAG_BYTES
  const key = messageKey(header, context.material)
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, header.subarray(IV_AT), { authTagLength: TAG_BYTES })
    decipher.setAAD(aadOf(header, context))
    decipher.setAuthTag(bytes.subarray(tagAt))
    const plaintext = decipher.update(bytes.subarray(HEADER_BYTES, tagAt))
    return authenticated(plaintext, () => decipher.final())
  } finally {
    key.fill(0)
  }
}

/** GCM yields plaintext before it has checked the tag: unauthenticated bytes never leave. */
function authenticated(plaintext: Buffer, check: () => Buffer): Buffer {
  try {
    check()
    return plaintext
  } catch {
    plaintext.fill(0)
    throw new InvalidCiphertextError()
  }
}

function writeHeader(blob: Buffer, { keyId, materialId }: BlobContext): void {
  const isMultiRegion = keyId.startsWith('mrk-')
  blob.write(MAGIC, 0, 'latin1')
  blob.writeUInt8(VERSION, 2)
  blob.writeUInt8(isMultiRegion ? ALGORITHM | MULTI_REGION_FLAG : ALGORITHM, 3)
  blob.write(isMultiRegion ? keyId.slice(4) : keyId.replaceAll('-', ''), KEY_ID_AT, 'hex')
  blob.write(materialId, MATERIAL_ID_AT, 'hex')
  blob.set(randomBytes(HEADER_BYTES - NONCE_AT), NONCE_AT)
}

function messageKey(header: Buffer, material: KeyObject): Buffer {
  const info = Buffer.concat([Buffer.from(KEY_LABEL, 'latin1'), header])
  return Buffer.from(hkdfSync('sha256', material, header.subarray(NONCE_AT, IV_AT), info, 32))
}

function aadOf(header: Buffer, { keyArn, encryptionContext }: BlobContext): Buffer {
  return frame([header, keyArn, canonicalContext(encryptionContext)])
}

function uuidOf(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
