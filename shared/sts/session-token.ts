/**
 * Session tokens: a session, sealed, so that whoever holds the STS secrets can open it and nobody needs a
 * store of sessions. AWS documents its tokens as opaque and of no fixed size; so are these.
 *
 *   base64( version 1 | id of the secret (4 bytes) | nonce (12) | ciphertext | tag (16) )
 *
 * AES-256-GCM under one of the STS secrets, which seal nothing else. The access key id is not inside but
 * in the AAD: a token opens for the key id it was given with and for no other. Base64 is accepted in its one
 * canonical form, so that no two texts are the same token.
 *
 * A random nonce of 96 bits under one secret is safe for 2^32 tokens (NIST SP 800-38D, 8.3): at a hundred
 * sessions a second, sixteen months. Rotate the secret before.
 *
 * Pure but for the nonce: the time is looked at by find-session.ts.
 */

import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto'
import { frame } from '#shared/framing'
import type { SecretRing } from '#shared/record-mac'
import { SessionTokenInvalidError } from './errors.ts'
import type { Session } from './session.ts'

const VERSION = 1
const CIPHER = 'aes-256-gcm'
const PURPOSE = 'sealcast session token'
const HEADER_BYTES = 5
const NONCE_BYTES = 12
/** NIST SP 800-38D, 5.2.1.2: the full 128 bits. */
const TAG_BYTES = 16
const OVERHEAD_BYTES = HEADER_BYTES + NONCE_BYTES + TAG_BYTES

/** Longest token: fits a header beside everything else a request has there (Node and proxies stop at 16 KiB and 8 KiB). */
export const MAX_TOKEN_CHARACTERS = 8_000

/** @throws {RangeError} when the token would be longer than a header takes; `packedPolicySize` tells beforehand */
export function sealSession(session: Session, secrets: SecretRing): string {
  const secret = secrets.secretOf(secrets.currentId)
  // A ring always holds its current secret.
  if (secret === undefined) throw new TypeError('Cannot seal a session: the current STS secret is missing')
  const { accessKeyId, ...content } = session
  const header = Buffer.concat([Buffer.of(VERSION), Buffer.from(secrets.currentId, 'hex')])
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, secret, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(aadOf(header, accessKeyId))
  const ciphertext = Buffer.concat([cipher.update(JSON.stringify(content), 'utf8'), cipher.final()])
  const token = Buffer.concat([header, nonce, ciphertext, cipher.getAuthTag()]).toString('base64')
  if (token.length > MAX_TOKEN_CHARACTERS) throw new RangeError('Cannot seal a session: its token would be too long')
  return token
}

/**
 * @param accessKeyId of the request that the token came with
 * @throws {SessionTokenInvalidError} when it is not, bit for bit, a token that was issued with that access key id
 */
export function openSession(token: string, accessKeyId: string, secrets: SecretRing): Session {
  const bytes = decode(token)
  const header = bytes.subarray(0, HEADER_BYTES)
  const secret = secrets.secretOf(header.toString('hex', 1))
  if (header[0] !== VERSION || secret === undefined) throw new SessionTokenInvalidError()
  const opened = decrypt(bytes, { secret, aad: aadOf(header, accessKeyId) })
  if (opened === undefined) throw new SessionTokenInvalidError()
  // Authentic, so written by `sealSession`: its form needs no second look.
  const content: Omit<Session, 'accessKeyId'> = JSON.parse(opened)
  return { accessKeyId, ...content }
}

function decode(token: string): Buffer {
  if (token.length > MAX_TOKEN_CHARACTERS) throw new SessionTokenInvalidError()
  const bytes = Buffer.from(token, 'base64')
  if (bytes.length <= OVERHEAD_BYTES || bytes.toString('base64') !== token) throw new SessionTokenInvalidError()
  return bytes
}

function decrypt(bytes: Buffer, { secret, aad }: { secret: KeyObject; aad: Buffer }): string | undefined {
  const nonce = bytes.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES)
  const decipher = createDecipheriv(CIPHER, secret, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(aad)
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
  try {
    const ciphertext = bytes.subarray(HEADER_BYTES + NONCE_BYTES, -TAG_BYTES)
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString('utf8')
  } catch {
    // One answer for every cause.
    return undefined
  }
}

function aadOf(header: Buffer, accessKeyId: string): Buffer {
  return frame([PURPOSE, header, accessKeyId])
}
