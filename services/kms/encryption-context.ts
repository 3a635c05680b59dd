/**
 * The encryption context as bytes: additional authenticated data of every ciphertext.
 *
 * The same pairs in any order give the same bytes, and no two different maps do. Sorted by the
 * keys' UTF-8 bytes: JavaScript's own order, by UTF-16 units, differs beyond U+FFFF, and a decrypt
 * elsewhere would fail. An empty context and none are the same. Frozen: stored ciphertext depends on it.
 */

import { frame, type Part } from '#shared/framing'

export type EncryptionContext = ReadonlyMap<string, string>

/** Number of pairs in decimal, then key and value of each, all length-prefixed. */
export function canonicalContext(context: EncryptionContext): Buffer {
  const pairs = [...context].map(([key, value]) => ({ key: Buffer.from(key, 'utf8'), value }))
  pairs.sort((a, b) => Buffer.compare(a.key, b.key))
  const parts: Part[] = [String(pairs.length)]
  for (const { key, value } of pairs) parts.push(key, value)
  return frame(parts)
}
