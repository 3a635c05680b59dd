/**
 * Turns a list of parts into bytes so that no two lists give the same bytes.
 *
 * Each part is preceded by its length as 32 bits, big endian; an absent part has the length
 * 0xffffffff and no bytes, so that absent and empty differ. Joining without lengths would let
 * {ab, c} and {a, bc} hash, authenticate or partition alike. A `Framed` counts as the parts it was made of.
 *
 * Everything the project hashes or authenticates goes through here: AAD, record MACs, the partition
 * function, names of data-key records. The bytes are frozen: stored messages depend on them.
 */

import { hash } from 'node:crypto'

/** Strings are taken as UTF-8; undefined is an absent part; what was framed before stands for the parts it was made of. */
export type Part = string | Uint8Array | undefined | Framed

/** Parts that were framed ahead, since they stand in many lists. Among others they give the bytes that the parts would. */
export class Framed {
  readonly bytes: Buffer

  constructor(parts: readonly Part[]) {
    const framed = frame(parts)
    // Not of the pool that buffers share, which it would keep alive together with what else lies there, bodies in clear among it.
    this.bytes = Buffer.allocUnsafeSlow(framed.byteLength)
    this.bytes.set(framed)
  }
}

const ABSENT = 0xffff_ffff
/** More than an entry with a body of 1 KiB has; a longer list gets memory of its own. */
const SCRATCH_BYTES = 8_192
/** Absent while somebody looks at it. */
let scratch: Buffer | undefined = Buffer.allocUnsafeSlow(SCRATCH_BYTES)

/** Frames the parts in order. */
export function frame(parts: readonly Part[]): Buffer {
  let size = 0
  for (const part of parts) size += framedLength(part)
  const framed = Buffer.allocUnsafe(size)
  write(parts, framed)
  return framed
}

/**
 * Runs `use`, which must be synchronous, with the framed parts, and returns what it returns. The bytes are lent: they are others' when it is
 * over, and must not be kept.
 *
 * Spares memory of its own for each list, and finding out beforehand how long its strings are.
 */
export function withFrame<T>(parts: readonly Part[], use: (framed: Buffer) => T): T {
  const lent = scratch
  // The other way round NaN, of what is no part, would pass.
  if (lent === undefined || !(longestLength(parts) <= SCRATCH_BYTES)) return use(frame(parts))
  scratch = undefined
  try {
    return use(lent.subarray(0, write(parts, lent)))
  } finally {
    scratch = lent
  }
}

/** SHA-256 over the framed parts: 32 bytes. */
export function hashParts(parts: readonly Part[]): Buffer {
  return withFrame(parts, (framed) => hash('sha256', framed, 'buffer'))
}

/** @returns how many bytes they took */
function write(parts: readonly Part[], target: Buffer): number {
  let at = 0
  for (const part of parts) {
    if (part === undefined) {
      at = target.writeUInt32BE(ABSENT, at)
    } else if (typeof part === 'string') {
      const written = target.write(part, at + 4, 'utf8')
      target.writeUInt32BE(written, at)
      at += 4 + written
    } else if (part instanceof Framed) {
      target.set(part.bytes, at)
      at += part.bytes.byteLength
    } else {
      target.writeUInt32BE(part.byteLength, at)
      target.set(part, at + 4)
      at += 4 + part.byteLength
    }
  }
  return at
}

function framedLength(part: Part): number {
  if (part === undefined) return 4
  if (typeof part === 'string') return 4 + Buffer.byteLength(part, 'utf8')
  return part instanceof Framed ? part.bytes.byteLength : 4 + part.byteLength
}

/** A UTF-16 unit has at most three bytes in UTF-8. */
function longestLength(parts: readonly Part[]): number {
  let size = 0
  for (const part of parts) size += typeof part === 'string' ? 4 + 3 * part.length : framedLength(part)
  return size
}
