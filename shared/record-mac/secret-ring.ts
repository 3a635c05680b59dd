/**
 * The secrets of one purpose, by id: one is current and makes new MACs or tokens, all of them check.
 *
 * A rotation adds a secret, makes it current, and drops the old one when nothing made with it is
 * left, so that no reader ever meets an id it does not know. Secrets are KeyObjects: they print as
 * nothing and survive the zeroing of the buffer they came from.
 */

import type { KeyObject } from 'node:crypto'
import { SecretRingError } from './errors.ts'

export interface SecretRing {
  readonly currentId: string
  /** Undefined for an id that is not in the ring. */
  secretOf(id: string): KeyObject | undefined
}

/** Fixed width, so that an id fits the four bytes that a confirmation token has for it. */
const SECRET_ID = /^[0-9a-f]{8}$/

/** @throws {SecretRingError} when the current secret is missing or an id has not the form */
export function createSecretRing(currentId: string, secrets: ReadonlyMap<string, KeyObject>): SecretRing {
  const ring = new Map(secrets)
  for (const id of ring.keys()) {
    if (!SECRET_ID.test(id)) throw new SecretRingError('Cannot use a secret ring: an id is not 8 lower-case hex digits')
  }
  if (!ring.has(currentId)) throw new SecretRingError('Cannot use a secret ring: the current secret is not in it')
  return { currentId, secretOf: (id) => ring.get(id) }
}
