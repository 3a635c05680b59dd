/**
 * Envelope encryption: `seal` turns a message body into an envelope, `open` (open.ts) turns it back.
 *
 * The body is encrypted under a data key and the data key under a KMS key, so nothing in Redis
 * decrypts by itself. Version, data-key id, topic ARN, message id, principal and header are in the
 * AAD: an envelope moved elsewhere does not open.
 *
 * Touches no clock, no network and no Redis; whether the data key may still be used is decided where
 * it is kept. Byte layout: README.md. Cipher: AES-256-GCM, NIST SP 800-38D.
 */

import { createCipheriv } from 'node:crypto'
import { type EnvelopeContext, withAssociatedData } from './associated-data.ts'
import type { DataKey } from './data-key.ts'
import { CIPHERTEXT_AT, COMMITMENT_AT, DATA_KEY_ID_AT, MAGIC, NONCE_AT, SUITE, TAG_BYTES, VERSION } from './format.ts'
import { writeNonce } from './nonce.ts'

/** @returns a new buffer, 80 bytes longer than the body */
export function seal(body: Uint8Array, { dataKey, context }: { dataKey: DataKey; context: EnvelopeContext }): Buffer {
  const tagAt = CIPHERTEXT_AT + body.byteLength
  const envelope = Buffer.allocUnsafe(tagAt + TAG_BYTES)
  envelope.set(MAGIC)
  envelope[2] = VERSION
  envelope[3] = SUITE
  envelope.set(dataKey.id, DATA_KEY_ID_AT)
  envelope.set(dataKey.commitment, COMMITMENT_AT)
  writeNonce(envelope, NONCE_AT)
  const nonce = envelope.subarray(NONCE_AT, CIPHERTEXT_AT)
  const cipher = createCipheriv('aes-256-gcm', dataKey.encryptionKey, nonce, { authTagLength: TAG_BYTES })
  withAssociatedData(dataKey, context, (aad) => cipher.setAAD(aad))
  envelope.set(cipher.update(body), CIPHERTEXT_AT)
  // GCM is a stream: final() returns no bytes, but only after it is there a tag.
  cipher.final()
  envelope.set(cipher.getAuthTag(), tagAt)
  return envelope
}
