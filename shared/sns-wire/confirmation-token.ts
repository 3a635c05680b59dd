/**
 * Confirmation tokens: proof that somebody received what was sent to a subscription's endpoint.
 *
 * Derived, never stored: whoever reads Redis finds none, and a worker can send one again after a crash. The tag covers the
 * subscription, the time of issue, the topic and its incarnation, so a token of a deleted topic says nothing to its
 * successor of the same name. Layout (144 bytes, sent as 288 hex digits): README.md.
 *
 * One error for every refusal, and the tag is compared in constant time, before anything of the token is believed.
 */

import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import { frame } from '#shared/framing'
import { InvalidParameterError } from './errors.ts'
import { CONFIRMATION_TOKEN_MS, CONFIRMATION_TOKEN_SKEW_MS } from './limits.ts'

/** The token secrets: the current one issues, all of them verify. Ids are 8 lower-case hex digits. */
export interface TokenSecrets {
  readonly currentId: string
  secretOf(id: string): KeyObject | undefined
}

/** SNS's recorded tokens start so; clients treat them as opaque. */
const PREFIX = '2336412f37'
const LAYOUT_VERSION = '01'
const HEADER_BYTES = 34
/** What is left of SNS's 288 hex digits: far more than a tag needs, but lengths are checked by some clients. */
const TAG_BYTES = 110
const TOKEN = /^[0-9a-f]{288}$/

/** @param issuedAt epoch ms: when the confirmation was asked for, so that a retry sends the same token */
export function confirmationToken(o: {
  ring: TokenSecrets
  topicArn: string
  subscriptionId: string
  incarnation: string
  issuedAt: number
}): string {
  const secret = o.ring.secretOf(o.ring.currentId)
  if (secret === undefined) throw new RangeError('Cannot issue a token: the current token secret is missing')
  const issuedAt = Buffer.alloc(8)
  issuedAt.writeBigUInt64BE(BigInt(o.issuedAt))
  const header = Buffer.concat([
    Buffer.from(PREFIX + LAYOUT_VERSION + o.ring.currentId + o.subscriptionId.replaceAll('-', ''), 'hex'),
    issuedAt,
  ])
  if (header.byteLength !== HEADER_BYTES) throw new RangeError('Cannot issue a token: an id has the wrong length')
  return Buffer.concat([header, tagOf(secret, header, o)]).toString('hex')
}

/**
 * @throws {InvalidParameterError} when the token is missing, malformed, forged, of another topic or too old
 */
export function readConfirmationToken(
  token: string | undefined,
  o: { ring: TokenSecrets; topicArn: string; incarnation: string; now: number },
): { subscriptionId: string } {
  if (token === undefined || !TOKEN.test(token) || !token.startsWith(PREFIX + LAYOUT_VERSION)) throw refusal()
  const bytes = Buffer.from(token, 'hex')
  const header = bytes.subarray(0, HEADER_BYTES)
  const secret = o.ring.secretOf(header.toString('hex', 6, 10))
  if (secret === undefined) throw refusal()
  if (!timingSafeEqual(bytes.subarray(HEADER_BYTES), tagOf(secret, header, o))) throw refusal()
  const ageMs = o.now - Number(header.readBigUInt64BE(26))
  if (ageMs > CONFIRMATION_TOKEN_MS || ageMs < -CONFIRMATION_TOKEN_SKEW_MS) throw refusal()
  return { subscriptionId: formatUuid(header.toString('hex', 10, 26)) }
}

/**
 * HKDF-Expand of RFC 5869, 2.3, with SHA-512. Written out because node:crypto offers only extract and expand together;
 * the secret is uniformly random already.
 */
function tagOf(secret: KeyObject, header: Uint8Array, o: { topicArn: string; incarnation: string }): Buffer {
  const info = frame(['sealcast.token.v1', header, o.topicArn, o.incarnation])
  const first = createHmac('sha512', secret).update(info).update(Buffer.of(1)).digest()
  const second = createHmac('sha512', secret).update(first).update(info).update(Buffer.of(2)).digest()
  return Buffer.concat([first, second], TAG_BYTES)
}

function formatUuid(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

function refusal(): InvalidParameterError {
  return new InvalidParameterError('Invalid parameter: Token')
}
