/**
 * Tells whether an "encrypted" data key holds the data key itself, as some mocks of KMS make it.
 *
 * Found are the key's bytes as they are, and in hex or base64 anywhere in the blob, both alphabets, at
 * any alignment, over line ends. The blob is decoded rather than the key encoded: as a text the key
 * would lie in memory until it is collected. Not found is a key that is scrambled in any other way:
 * this protects from mistakes, not from a KMS that is out to cheat.
 */

/** 43 characters of base64 hold 32 bytes, and 64 of hex; of what stands before and behind at most some bits. */
const BASE64_RUN = /[\w+/\s-]{43,}/g
const HEX_RUN = /[\da-f\s]{64,}/gi

/** @param key 32 bytes */
export function revealsKey(blob: Uint8Array, key: Uint8Array): boolean {
  const bytes = viewOf(blob)
  const sought = viewOf(key)
  if (bytes.includes(sought)) return true
  const text = bytes.toString('latin1')
  return (
    holds(text, { run: BASE64_RUN, encoding: 'base64', alignments: 4 }, sought) ||
    holds(text, { run: HEX_RUN, encoding: 'hex', alignments: 2 }, sought)
  )
}

function holds(
  text: string,
  { run, encoding, alignments }: { run: RegExp; encoding: 'base64' | 'hex'; alignments: number },
  sought: Buffer,
): boolean {
  for (const [found] of text.matchAll(run)) {
    const digits = found.replace(/\s/g, '')
    for (let skipped = 0; skipped < alignments; skipped++) {
      const decoded = Buffer.from(digits.slice(skipped), encoding)
      const isHeld = decoded.includes(sought)
      // It may hold the key, and lie in a pool.
      decoded.fill(0)
      if (isHeld) return true
    }
  }
  return false
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
