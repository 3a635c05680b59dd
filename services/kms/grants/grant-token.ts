/**
 * Grant tokens: opaque texts that name a grant, made anew for each answer and kept nowhere. Pure but for the
 * random part.
 *
 * Grants are in force at once here, so a token gives nothing that the grant does not; RetireGrant alone finds
 * a grant by it. base64 of: version 1, 16 random bytes, the grant's id (32 bytes), HMAC-SHA-256 (32 bytes)
 * over them and the key's ARN, then the ARN.
 */

import { createHmac, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'
import { frame } from '#shared/framing'
import type { Grant } from './grant.ts'

const VERSION = 1
const RANDOM_BYTES = 16
const ID_BYTES = 32
const MAC_BYTES = 32
const HEAD_BYTES = 1 + RANDOM_BYTES + ID_BYTES

/** Of KMS's model, in characters. */
export const GRANT_TOKEN_RULES = { min: 1, max: 8192 } as const

export function issueGrantToken({ id, keyArn }: Pick<Grant, 'id' | 'keyArn'>, macKey: KeyObject): string {
  const head = Buffer.concat([Buffer.from([VERSION]), randomBytes(RANDOM_BYTES), Buffer.from(id, 'hex')])
  return Buffer.concat([head, macOf(head, keyArn, macKey), Buffer.from(keyArn, 'utf8')]).toString('base64')
}

/** @returns undefined when it was not issued here */
export function readGrantToken(token: string, macKey: KeyObject): Pick<Grant, 'id' | 'keyArn'> | undefined {
  const bytes = Buffer.from(token, 'base64')
  if (bytes.byteLength <= HEAD_BYTES + MAC_BYTES || bytes.toString('base64') !== token) return undefined
  const head = bytes.subarray(0, HEAD_BYTES)
  const keyArn = bytes.toString('utf8', HEAD_BYTES + MAC_BYTES)
  const expected = macOf(head, keyArn, macKey)
  if (head[0] !== VERSION || !timingSafeEqual(bytes.subarray(HEAD_BYTES, HEAD_BYTES + MAC_BYTES), expected)) {
    return undefined
  }
  return { id: head.toString('hex', 1 + RANDOM_BYTES), keyArn }
}

function macOf(head: Uint8Array, keyArn: string, macKey: KeyObject): Buffer {
  return createHmac('sha256', macKey)
    .update(frame(['sealcast.grant-token.v1', head, keyArn]))
    .digest()
}
