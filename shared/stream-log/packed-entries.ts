/**
 * Reads what `packEntries` of claim.lua and reread.lua made: all entries in one string, as MessagePack.
 *
 * In nested lists an entry is some thirty strings to the driver, each decoded through a dozen calls. One
 * string costs it nothing, and Redis packs as fast as it replies. Only what is packed is read: lists of
 * strings. Anything else is no reply of ours, as is a list or string that ends beyond the reply.
 */

import type { ClaimedEntry } from './claimed-entry.ts'

/** @throws {TypeError} when the reply is no list of [id, [field, value, …]] */
export function unpackEntries(reply: unknown): ClaimedEntry[] {
  if (!Buffer.isBuffer(reply)) throw malformed()
  const reader = new Reader(reply)
  const entries: ClaimedEntry[] = []
  for (let left = reader.list(); left > 0; left--) {
    if (reader.list() !== 2) throw malformed()
    entries.push({ streamId: reader.text(), fields: readFields(reader) })
  }
  if (!reader.isAtEnd) throw malformed()
  return entries
}

function readFields(reader: Reader): Map<string, Buffer> {
  const fields = new Map<string, Buffer>()
  const length = reader.list()
  if (length % 2 !== 0) throw malformed()
  for (let at = 0; at < length; at += 2) {
    const name = reader.text(usualNames[at / 2])
    if (at < 2 * MAX_USUAL_NAMES && name.length <= MAX_USUAL_LENGTH) usualNames[at / 2] = name
    fields.set(name, reader.bytes())
  }
  return fields
}

/**
 * Of the latest entry, in order: those of the next one are nearly always the same. A name that is compared instead of made costs no call
 * and no memory, and a map finds it by a hash that is known: a sealed message's entry took 2.5 to 3.1 µs, and 1.5 to 2.3 like this.
 */
const usualNames: string[] = []
const MAX_USUAL_NAMES = 32
const MAX_USUAL_LENGTH = 32

/** MessagePack's formats of lists and strings: a byte that tells which, a length, the content. */
class Reader {
  readonly #packed: Buffer
  #at = 0

  constructor(packed: Buffer) {
    this.#packed = packed
  }

  get isAtEnd(): boolean {
    return this.#at === this.#packed.length
  }

  /** @returns how many elements follow */
  list(): number {
    const format = this.#unsigned(1)
    if ((format & 0xf0) === 0x90) return format & 0x0f
    if (format === 0xdc) return this.#unsigned(2)
    if (format === 0xdd) return this.#unsigned(4)
    throw malformed()
  }

  /** @returns a view of the reply */
  bytes(): Buffer {
    const end = this.#endOfString()
    const bytes = this.#packed.subarray(this.#at, end)
    this.#at = end
    return bytes
  }

  /** @param usual returned itself where it is what stands here, and ASCII */
  text(usual?: string): string {
    const end = this.#endOfString()
    const text = usual !== undefined && this.#isAscii(usual, end) ? usual : this.#packed.toString('utf8', this.#at, end)
    this.#at = end
    return text
  }

  #isAscii(text: string, end: number): boolean {
    if (text.length !== end - this.#at) return false
    for (let at = 0; at < text.length; at++) {
      const byte = this.#packed[this.#at + at] ?? 0x80
      if (byte >= 0x80 || byte !== text.charCodeAt(at)) return false
    }
    return true
  }

  #endOfString(): number {
    const length = this.#stringLength()
    const end = this.#at + length
    if (end > this.#packed.length) throw malformed()
    return end
  }

  #stringLength(): number {
    const format = this.#unsigned(1)
    if ((format & 0xe0) === 0xa0) return format & 0x1f
    if (format === 0xd9) return this.#unsigned(1)
    if (format === 0xda) return this.#unsigned(2)
    if (format === 0xdb) return this.#unsigned(4)
    throw malformed()
  }

  #unsigned(byteLength: number): number {
    let value = 0
    for (let left = byteLength; left > 0; left--) {
      const byte = this.#packed[this.#at++]
      if (byte === undefined) throw malformed()
      value = value * 256 + byte
    }
    return value
  }
}

function malformed(): TypeError {
  return new TypeError('Redis answered no list of entries')
}
