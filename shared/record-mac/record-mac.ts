/**
 * MACs over the immutable fields of stored records.
 *
 * Redis is not trusted: it may be read and written by others. Reading shows ciphertext and metadata;
 * writing must not add a subscriber, change a policy or relabel a message, so each record carries an
 * HMAC under a secret that is never in Redis. The kind is part of what is authenticated, else a
 * topic's record could be passed off as a subscription with the same fields.
 *
 * Pure: it reads and writes nothing. Which fields are immutable is the owner's decision, record by
 * record; their order is part of the format.
 */

import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'
import { Framed, type Part, withFrame } from '#shared/framing'
import { RecordForgedError, SecretRingError } from './errors.ts'
import type { SecretRing } from './secret-ring.ts'

/** A body record carries its entry's MAC, hence no kind of its own. */
export type RecordKind =
  | 'entry'
  | 'topic'
  | 'subscription'
  | 'data-key'
  | 'rewrap'
  | 'meta'
  | 'change-notice'
  | 'change-ack'

export interface RecordMac {
  /** Makes the MAC under the current secret: `<secret id>.<base64url of 32 bytes>`. */
  authenticate(kind: RecordKind, fields: readonly Part[]): string
  /** @throws {RecordForgedError} when the MAC is missing, malformed, of an unknown secret or wrong */
  verify(kind: RecordKind, fields: readonly Part[], mac: string | undefined): void
}

/** The bytes are frozen: stored records depend on them. Another layout gets another domain. */
const DOMAIN = 'sealcast.record.v1'
const SECRET_ID_LENGTH = 8
/** 32 bytes in base64url without padding. */
const DIGEST_LENGTH = 43

export function createRecordMac(ring: SecretRing): RecordMac {
  const current = ring.secretOf(ring.currentId)
  // createSecretRing promises it; a ring made otherwise must not fail at the first publish only.
  if (current === undefined) throw new SecretRingError('Cannot authenticate records: the ring has no current secret')
  return {
    authenticate: (kind, fields) => `${ring.currentId}.${digestOf(current, kind, fields)}`,
    verify(kind, fields, mac) {
      const secret = mac === undefined ? undefined : ring.secretOf(mac.slice(0, SECRET_ID_LENGTH))
      if (mac === undefined || secret === undefined) throw forged(kind)
      if (mac.length !== SECRET_ID_LENGTH + 1 + DIGEST_LENGTH || mac[SECRET_ID_LENGTH] !== '.') throw forged(kind)
      // Compared as text, so that only the one canonical spelling of the 32 bytes passes.
      const given = Buffer.from(mac.slice(SECRET_ID_LENGTH + 1))
      const expected = Buffer.from(digestOf(secret, kind, fields))
      if (given.byteLength !== expected.byteLength || !timingSafeEqual(given, expected)) throw forged(kind)
    },
  }
}

function digestOf(secret: KeyObject, kind: RecordKind, fields: readonly Part[]): string {
  return withFrame([headOf(kind), ...fields], (framed) =>
    createHmac('sha256', secret).update(framed).digest('base64url'),
  )
}

const heads = new Map<RecordKind, Framed>()

function headOf(kind: RecordKind): Framed {
  const known = heads.get(kind)
  if (known !== undefined) return known
  const head = new Framed([DOMAIN, kind])
  heads.set(kind, head)
  return head
}

function forged(kind: RecordKind): RecordForgedError {
  return new RecordForgedError(`Cannot trust a stored record: the MAC of a record of kind ${kind} does not fit`)
}
