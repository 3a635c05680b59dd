/**
 * Matches text against a pattern of literal text, `*` (any characters, also none) and `?` (exactly one).
 *
 * A pattern is cut at its stars. The first piece is anchored at the start, the last at the end, and each between is taken
 * where it is found first: a later place could only leave less room for the rest, so nothing is ever tried again and
 * `*a*a*a*` costs one pass. No RegExp is built, as those go back. A `?` is one UTF-16 code unit.
 */

/** One part of a pattern: text to be found as it stands, or a wildcard. Text is never a wildcard itself. */
export type PatternPart = { readonly text: string } | typeof ANY | typeof ONE

export const ANY = Symbol('*')
export const ONE = Symbol('?')

/** A piece between two stars; `holes` are the places of question marks, where `text` has a filler. */
interface Piece {
  readonly text: string
  readonly holes: readonly number[]
}

export interface Wildcard {
  matches(value: string): boolean
  /** Whether every value matches. */
  readonly matchesAll: boolean
}

const FILLER = '?'
const WORD_BITS = 32
/** Up to which comparing a piece at each place is faster than following all places at once. */
const FEW_CHARACTERS = 8

export function compileWildcard(parts: readonly PatternPart[]): Wildcard {
  const pieces = cutAtStars(parts)
  const [first = { text: '', holes: [] }] = pieces
  const last = pieces.at(-1) ?? first
  if (pieces.length === 1) {
    const exact = first.text
    if (first.holes.length === 0) return { matches: (value) => value === exact, matchesAll: false }
    return { matches: (value) => value.length === exact.length && isAt(value, 0, first), matchesAll: false }
  }
  const middle = pieces.slice(1, -1).filter(({ text }) => text !== '')
  const shortest = pieces.reduce((sum, { text }) => sum + text.length, 0)
  if (shortest === 0) return { matches: () => true, matchesAll: true }
  return {
    matchesAll: false,
    matches: (value) => {
      if (value.length < shortest || !isAt(value, 0, first)) return false
      const end = value.length - last.text.length
      if (!isAt(value, end, last)) return false
      let at = first.text.length
      for (const piece of middle) {
        at = find(value, at, end, piece)
        if (at === -1) return false
        at += piece.text.length
      }
      return at <= end
    },
  }
}

function cutAtStars(parts: readonly PatternPart[]): Piece[] {
  const pieces: { text: string; holes: number[] }[] = []
  let piece = { text: '', holes: [] as number[] }
  for (const part of parts) {
    if (part === ANY) {
      pieces.push(piece)
      piece = { text: '', holes: [] }
    } else if (part === ONE) {
      piece.holes.push(piece.text.length)
      piece.text += FILLER
    } else piece.text += part.text
  }
  return [...pieces, piece]
}

/** @returns the first place from `from` at which the piece lies before `end`, or -1 */
function find(value: string, from: number, end: number, piece: Piece): number {
  if (piece.holes.length === 0) {
    const at = value.indexOf(piece.text, from)
    return at !== -1 && at + piece.text.length <= end ? at : -1
  }
  if (piece.text.length > FEW_CHARACTERS) return findWithHoles(value, from, end, piece)
  for (let at = from; at + piece.text.length <= end; at++) if (isAt(value, at, piece)) return at
  return -1
}

/**
 * Follows all places at which the piece may have begun at once, a bit each: bit `i` of the state says that the last `i + 1`
 * characters are how the piece begins. Trying one place after the other would cost the product of both lengths, and a
 * policy of 30 KB of `?a?a?a` two thirds of a second.
 *
 * @see Baeza-Yates and Gonnet, "A new approach to text searching": Shift-And
 */
function findWithHoles(value: string, from: number, end: number, { text, holes }: Piece): number {
  if (end - from < text.length) return -1
  const words = Math.ceil(text.length / WORD_BITS)
  const anyCharacter = new Uint32Array(words)
  for (const hole of holes) setBit(anyCharacter, hole)
  const masks = new Map<number, Uint32Array>()
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i)
    const mask = masks.get(character) ?? anyCharacter.slice()
    setBit(mask, i)
    masks.set(character, mask)
  }
  const state = new Uint32Array(words)
  const lastBit = 1 << ((text.length - 1) % WORD_BITS)
  for (let at = from; at < end; at++) {
    const mask = masks.get(value.charCodeAt(at)) ?? anyCharacter
    let carry = 1
    for (let word = 0; word < words; word++) {
      const before = state[word] ?? 0
      state[word] = ((before << 1) | carry) & (mask[word] ?? 0)
      carry = before >>> (WORD_BITS - 1)
    }
    if (((state[words - 1] ?? 0) & lastBit) !== 0) return at + 1 - text.length
  }
  return -1
}

function setBit(bits: Uint32Array, at: number): void {
  const word = Math.floor(at / WORD_BITS)
  bits[word] = (bits[word] ?? 0) | (1 << (at % WORD_BITS))
}

function isAt(value: string, at: number, { text, holes }: Piece): boolean {
  if (holes.length === 0) return value.startsWith(text, at)
  let hole = 0
  for (let i = 0; i < text.length; i++) {
    if (holes[hole] === i) {
      hole++
      if (at + i >= value.length) return false
    } else if (value.charCodeAt(at + i) !== text.charCodeAt(i)) return false
  }
  return true
}
