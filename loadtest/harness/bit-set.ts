/**
 * A set of whole numbers from 0, a bit each: what was accepted and what came of millions of messages fits in a few
 * hundred kilobytes and can be compared number by number.
 */

export interface BitSet {
  /** @returns whether it was new */
  add(number: number): boolean
  has(number: number): boolean
  readonly size: number
  /** For IPC. */
  toText(): string
}

const FIRST_BYTES = 1024

/** @param text of another one's `toText` */
export function createBitSet(text = ''): BitSet {
  let bytes: Uint8Array = Buffer.from(text, 'base64')
  let size = 0
  for (const byte of bytes) size += onesOf(byte)
  return {
    add(number) {
      const at = Math.floor(number / 8)
      if (at >= bytes.byteLength) {
        const larger = new Uint8Array(Math.max(FIRST_BYTES, 2 * bytes.byteLength, at + 1))
        larger.set(bytes)
        bytes = larger
      }
      const bit = 1 << (number % 8)
      const byte = bytes[at] ?? 0
      if ((byte & bit) !== 0) return false
      bytes[at] = byte | bit
      size++
      return true
    },
    has: (number) => ((bytes[Math.floor(number / 8)] ?? 0) & (1 << (number % 8))) !== 0,
    get size() {
      return size
    },
    toText() {
      let end = bytes.byteLength
      while (end > 0 && bytes[end - 1] === 0) end--
      return Buffer.from(bytes.subarray(0, end)).toString('base64')
    },
  }
}

function onesOf(byte: number): number {
  let count = 0
  for (let rest = byte; rest > 0; rest &= rest - 1) count++
  return count
}
