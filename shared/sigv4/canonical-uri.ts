/**
 * Brings path and query into the one form that signer and verifier both hash.
 *
 * Works on the text of the request line, byte by byte, without decoding to characters: two requests
 * that differ in a byte after percent-decoding never look alike, and invalid UTF-8 cannot throw. Text
 * comes from Node's HTTP parser, where a character above 0x7f is one byte of the request line.
 *
 * Rules: AWS, "Create a signed AWS API request", for services other than S3.
 */

/** One query parameter, its name and value percent-encoded the way SigV4 wants. */
export type CanonicalParameter = readonly [name: string, value: string]

/** Dot segments resolved, empty segments dropped, then encoded again although it came encoded already. */
export function canonicalPath(path: string): string {
  if (path === '/' || path === '') return '/'
  const segments: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue
    if (segment === '..') segments.pop()
    else segments.push(encodeSegment(segment))
  }
  if (segments.length === 0) return '/'
  return `/${segments.join('/')}${path.endsWith('/') ? '/' : ''}`
}

/**
 * The parameters of a query, in the order they stand there. Empty pieces (`a&&b`) are dropped, a
 * parameter without `=` has an empty value.
 *
 * `+` is taken for a space, as the Query protocol reads it: were it kept as a plus, somebody between
 * could turn `%2B` into `+`, and the parameter would change while the signature held.
 */
export function readQuery(query: string): CanonicalParameter[] {
  if (query === '') return []
  const parameters: CanonicalParameter[] = []
  for (const piece of query.split('&')) {
    if (piece === '') continue
    const equals = piece.indexOf('=')
    if (equals === -1) parameters.push([encodeQueryText(piece), ''])
    else parameters.push([encodeQueryText(piece.slice(0, equals)), encodeQueryText(piece.slice(equals + 1))])
  }
  return parameters
}

/** Sorted by encoded name, then by encoded value. The signature itself is never part of what it signs. */
export function canonicalQuery(parameters: readonly CanonicalParameter[]): string {
  // Name and value are compared apart: as one text, `a-b=` would stand before `a=`.
  return parameters
    .filter(([name]) => name !== 'X-Amz-Signature')
    .sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

/** Encoded text is ASCII, so code units order as bytes do. */
function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

const UNRESERVED = /^[A-Za-z0-9._~-]*$/

/** Every byte as SigV4 writes it: unreserved ones as they are, all others as `%XX` with capitals. */
const ENCODED_BYTES: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte)
  return UNRESERVED.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
})

function encodeSegment(segment: string): string {
  return UNRESERVED.test(segment) ? segment : encodeBytes(Buffer.from(segment, 'latin1'))
}

function encodeQueryText(text: string): string {
  return UNRESERVED.test(text) ? text : encodeBytes(decodeQueryText(text))
}

/** A `%` that no two hex digits follow stays what it is; decoding the parameters refuses it later. */
function decodeQueryText(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  let length = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    const decoded = byte === PERCENT ? hexValue(bytes[at + 1]) * 16 + hexValue(bytes[at + 2]) : Number.NaN
    if (Number.isNaN(decoded)) {
      bytes[length++] = byte === PLUS ? SPACE : (byte ?? 0)
    } else {
      bytes[length++] = decoded
      at += 2
    }
  }
  return bytes.subarray(0, length)
}

const PERCENT = 0x25
const PLUS = 0x2b
const SPACE = 0x20

function hexValue(byte: number | undefined): number {
  if (byte === undefined) return Number.NaN
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : Number.NaN
}

function encodeBytes(bytes: Uint8Array): string {
  let encoded = ''
  for (const byte of bytes) encoded += ENCODED_BYTES[byte]
  return encoded
}
