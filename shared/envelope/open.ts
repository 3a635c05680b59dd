/**
 * Opens an envelope: the body comes out only when data key, context and every byte are those of `seal`.
 *
 * The commitment is compared before decryption, in constant time; a mismatch and a wrong tag are the
 * same error. Decrypted bytes of an envelope that does not authenticate are zeroed and never returned.
 */

import { createDecipheriv, timingSafeEqual } from 'node:crypto'
import { type EnvelopeContext, withAssociatedData } from './associated-data.ts'
import type { DataKey } from './data-key.ts'
import { EnvelopeAuthenticationError } from './errors.ts'
import { parseEnvelope, TAG_BYTES } from './format.ts'

/**
 * @throws {EnvelopeFormatError} when the bytes are no envelope of this version
 * @throws {EnvelopeAuthenticationError} when data key, context or bytes are not those it was sealed with
 */
export function open(
  envelope: Uint8Array,
  { dataKey, context }: { dataKey: DataKey; context: EnvelopeContext },
): Buffer {
  const { dataKeyId, commitment, nonce, ciphertext, tag } = parseEnvelope(envelope)
  if (!timingSafeEqual(commitment, dataKey.commitment)) throw new EnvelopeAuthenticationError()
  // Authenticated like any other byte: the AAD has the id of the key at hand, so another one cannot open.
  if (!dataKeyId.equals(dataKey.id)) throw new EnvelopeAuthenticationError()
  const decipher = createDecipheriv('aes-256-gcm', dataKey.encryptionKey, nonce, { authTagLength: TAG_BYTES })
  withAssociatedData(dataKey, context, (aad) => decipher.setAAD(aad))
  decipher.setAuthTag(tag)
  const body = decipher.update(ciphertext)
  try {
    decipher.final()
  } catch {
    body.fill(0)
    throw new EnvelopeAuthenticationError()
  }
  return body
}
