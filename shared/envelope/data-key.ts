/**
 * A data key as the envelope uses it: derived once, then held as a KeyObject.
 *
 * AES-GCM does not commit to its key: for one ciphertext, two keys can be made that both open it, to
 * different bodies. HKDF therefore gives, beside the encryption key, a commitment that stands in the
 * envelope and is compared before anything is decrypted. HKDF: RFC 5869.
 *
 * A KeyObject keeps its own copy outside the JavaScript heap, prints as nothing, and makes a cipher
 * faster than raw bytes do.
 */

import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { DataKeyFormatError } from './errors.ts'
import { COMMITMENT_BYTES, DATA_KEY_ID_BYTES } from './format.ts'

export interface DataKey {
  /** 16 random bytes that name the key; not secret. */
  id: Buffer
  encryptionKey: KeyObject
  /** 32 bytes; not secret. */
  commitment: Buffer
}

/** AES-256, as the KMS is asked for. */
const KEY_BYTES = 32
const ENCRYPT_INFO = 'sealcast.envelope.v1.encrypt'
const COMMIT_INFO = 'sealcast.envelope.v1.commit'

/**
 * @param id 16 bytes, copied
 * @param plaintext the 32 bytes of KMS; not changed here: the caller zeroes them
 * @throws {DataKeyFormatError} when either has another length
 */
export function deriveDataKey(id: Uint8Array, plaintext: Uint8Array): DataKey {
  if (id.byteLength !== DATA_KEY_ID_BYTES) {
    throw new DataKeyFormatError(
      `Cannot derive a data key: its id must have ${DATA_KEY_ID_BYTES} bytes, it has ${id.byteLength}`,
    )
  }
  if (plaintext.byteLength !== KEY_BYTES) {
    throw new DataKeyFormatError(
      `Cannot derive a data key: it must have ${KEY_BYTES} bytes, it has ${plaintext.byteLength}`,
    )
  }
  const encryptionKey = importAndZero(Buffer.from(hkdfSync('sha256', plaintext, id, ENCRYPT_INFO, KEY_BYTES)))
  const commitment = Buffer.from(hkdfSync('sha256', plaintext, id, COMMIT_INFO, COMMITMENT_BYTES))
  return { id: Buffer.from(id), encryptionKey, commitment }
}

function importAndZero(key: Buffer): KeyObject {
  try {
    return createSecretKey(key)
  } finally {
    key.fill(0)
  }
}
