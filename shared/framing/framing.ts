/**
 * Turns a list of parts into bytes so that no two lists give the same bytes.
 *
 * Each part is preceded by its length as 32 bits, big endian; an absent part has the length
 * 0xffffffff and no bytes, so that absent and empty differ. Joining without lengths would let
 * {ab, c} and {a, bc} hash, authenticate or partition alike.
 *
 * Everything the project hashes or authenticates goes through here: AAD, record MACs, the partition
 * function, names of data-key records. The bytes are frozen: stored messages depend on them.
 */

import { hash } from 'node:crypto'

/** Strings are taken as UTF-8; undefined is an absent part. */
export type Part = string | Uint8Array | undefined

const ABSENT = 0xffff_ffff

/** Frames the parts in order. */
export function frame(parts: readonly Part[]): Buffer {
  let size = 0
  for (const part of parts) size += 4 + byteLength(part)
  const framed = Buffer.allocUnsafe(size)
  let at = 0
  for (const part of parts) {
    if (part === undefined) {
      at = framed.writeUInt32BE(ABSENT, at)
    } else if (typeof part === 'string') {
      const written = framed.write(part, at + 4, 'utf8')
      framed.writeUInt32BE(written, at)
      at += 4 + written
    } else {
      framed.writeUInt32BE(part.byteLength, at)
      framed.set(part, at + 4)
      at += 4 + part.byteLength
    }
  }
  return framed
}

/** SHA-256 over the framed parts: 32 bytes. */
export function hashParts(parts: readonly Part[]): Buffer {
  return hash('sha256', frame(parts), 'buffer')
}

function byteLength(part: Part): number {
  if (part === undefined) return 0
  return typeof part === 'string' ? Buffer.byteLength(part, 'utf8') : part.byteLength
}
