/**
 * Reads who claims to have signed a request, from the Authorization header or from the query of a
 * presigned URL. Proves nothing: that is verify-signature.ts, once the secret has been looked up.
 *
 * Only the form is judged here, and every refusal is an IncompleteSignatureError whose text repeats
 * no more of the request than an algorithm name or a date.
 *
 * Rules: AWS, "Authentication methods" of Signature Version 4; wording as SNS answers.
 */

import { parseAmzDate } from './amz-date.ts'
import { type CanonicalParameter, readQuery } from './canonical-uri.ts'
import { IncompleteSignatureError } from './errors.ts'

export interface HttpRequestParts {
  method: string
  /** As received, without the query. */
  path: string
  /** As received, without the `?`. */
  query: string
  /** Lower-case names, as Node gives them; a list holds the values of a repeated header. */
  headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Hex SHA-256 of the body's bytes as received; never what a header says it is. */
  bodyHash: string
}

export interface ParsedSignature {
  via: 'header' | 'query'
  accessKeyId: string
  /** `YYYYMMDD` when it is right; not checked here. */
  scopeDate: string
  region: string
  service: string
  /** Last part of the credential scope; `aws4_request` when it is right. */
  terminator: string
  /** In the order the signer wrote them. */
  signedHeaders: readonly string[]
  signature: string
  amzDate: string
  /** `amzDate` in epoch milliseconds. */
  signedAt: number
  sessionToken?: string
  /** Of a presigned request; absent ones live as long as a signed header. */
  expiresSeconds?: number
}

export const ALGORITHM = 'AWS4-HMAC-SHA256'

/** A week. AWS, "Signature Version 4 query parameters". */
const MAX_EXPIRES_SECONDS = 604_800
/** SDKs sign eight or nine; a limit only so that nobody makes verifying expensive. */
const MAX_SIGNED_HEADERS = 100

/**
 * @returns undefined when the request carries no signature at all
 * @throws {IncompleteSignatureError} when it carries one that is malformed, incomplete or ambiguous
 */
export function parseSignature(request: HttpRequestParts): ParsedSignature | undefined {
  const authorization = request.headers.authorization
  const parameters = request.query.includes('X-Amz-') || request.query.includes('%') ? readQuery(request.query) : []
  const isPresigned = parameters.some(([name]) => QUERY_MARKS.includes(name))
  if (authorization === undefined) return isPresigned ? parseQueryForm(request, parameters) : undefined
  if (isPresigned) {
    throw new IncompleteSignatureError('Request is signed both in its Authorization header and in its query string.')
  }
  return parseHeaderForm(request, authorization)
}

/** Any of these means that the query holds a signature, or was meant to. */
const QUERY_MARKS: readonly string[] = ['X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-SignedHeaders', 'X-Amz-Signature']

function parseHeaderForm(request: HttpRequestParts, authorization: string | readonly string[]): ParsedSignature {
  const header = singleValue(authorization)
  if (header === undefined) throw new IncompleteSignatureError('Request has more than one Authorization header.')
  const space = header.indexOf(' ')
  const algorithm = space === -1 ? header : header.slice(0, space)
  if (algorithm !== ALGORITHM && OTHER_ALGORITHM.test(algorithm)) throw unsupportedAlgorithm(algorithm)
  // Any other scheme (Basic, Bearer) is answered as AWS does: by the list of what is missing.
  const parts = algorithm === ALGORITHM ? splitHeaderParts(header.slice(ALGORITHM.length)) : new Map<string, string>()

  const amzDate = singleValue(request.headers['x-amz-date']) ?? dateHeader(request)
  const credential = parts.get('Credential')
  const signature = parts.get('Signature')
  const signedHeaders = parts.get('SignedHeaders')
  if (!credential || !signature || !signedHeaders || amzDate === undefined) {
    const missing = [
      ...(credential ? [] : ["Authorization header requires 'Credential' parameter."]),
      ...(signature ? [] : ["Authorization header requires 'Signature' parameter."]),
      ...(signedHeaders ? [] : ["Authorization header requires 'SignedHeaders' parameter."]),
      ...(amzDate === undefined
        ? ["Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."]
        : []),
    ]
    throw new IncompleteSignatureError(missing.join(' '))
  }
  const sessionToken = firstValue(request.headers['x-amz-security-token'])
  return {
    via: 'header',
    ...readCredential(credential),
    signedHeaders: readSignedHeaders(signedHeaders),
    signature,
    ...readDate(amzDate),
    ...(sessionToken === undefined ? {} : { sessionToken }),
  }
}

/** Families of AWS algorithms that are not ours, such as SigV4A: worth naming back to the caller. */
const OTHER_ALGORITHM = /^AWS[34]-[A-Z0-9-]{1,40}$/

function unsupportedAlgorithm(algorithm: string): IncompleteSignatureError {
  return new IncompleteSignatureError(`Unsupported AWS 'algorithm': '${printable(algorithm)}'`)
}

/** `Credential=…, SignedHeaders=…, Signature=…`, in any order, with or without spaces. */
function splitHeaderParts(text: string): Map<string, string> {
  const parts = new Map<string, string>()
  for (const piece of text.split(',')) {
    const part = piece.trim()
    const equals = part.indexOf('=')
    const name = part.slice(0, Math.max(equals, 0))
    if (name !== 'Credential' && name !== 'SignedHeaders' && name !== 'Signature') {
      // Also the empty piece of a stray comma. The text is not repeated: it may be a misplaced secret.
      throw new IncompleteSignatureError('Authorization header has a part that is not a known key=value pair.')
    }
    if (parts.has(name))
      throw new IncompleteSignatureError(`Authorization header has more than one '${name}' parameter.`)
    parts.set(name, part.slice(equals + 1))
  }
  return parts
}

/** `Date` counts only where `X-Amz-Date` is absent, not where that one is repeated. */
function dateHeader(request: HttpRequestParts): string | undefined {
  return request.headers['x-amz-date'] === undefined ? singleValue(request.headers.date) : undefined
}

function parseQueryForm(request: HttpRequestParts, parameters: readonly CanonicalParameter[]): ParsedSignature {
  const find = (name: string): string | undefined => {
    const found = parameters.filter((parameter) => parameter[0] === name)
    if (found.length > 1) {
      throw new IncompleteSignatureError(`AWS query-string parameters must include '${name}' only once.`)
    }
    const value = found[0]?.[1]
    // Encoded by readQuery from whole bytes, so that only invalid UTF-8 could still refuse.
    return value?.includes('%') ? decodeText(name, value) : value
  }
  const required = (name: string): string => {
    const value = find(name)
    if (value) return value
    throw new IncompleteSignatureError(
      `AWS query-string parameters must include '${name}'. Re-examine the query-string parameters.`,
    )
  }
  const algorithm = required('X-Amz-Algorithm')
  if (algorithm !== ALGORITHM) throw unsupportedAlgorithm(algorithm)
  const credential = required('X-Amz-Credential')
  const signature = required('X-Amz-Signature')
  const signedHeaders = required('X-Amz-SignedHeaders')
  const amzDate = required('X-Amz-Date')
  const expires = find('X-Amz-Expires')
  const sessionToken = find('X-Amz-Security-Token') ?? firstValue(request.headers['x-amz-security-token'])
  return {
    via: 'query',
    ...readCredential(credential),
    signedHeaders: readSignedHeaders(signedHeaders),
    signature,
    ...readDate(amzDate),
    ...(sessionToken === undefined ? {} : { sessionToken }),
    ...(expires === undefined ? {} : { expiresSeconds: readExpires(expires) }),
  }
}

function decodeText(name: string, encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    throw new IncompleteSignatureError(`AWS query-string parameter '${name}' is not valid UTF-8.`)
  }
}

function readExpires(text: string): number {
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (seconds >= 1 && seconds <= MAX_EXPIRES_SECONDS) return seconds
  throw new IncompleteSignatureError(`X-Amz-Expires must be a whole number from 1 to ${MAX_EXPIRES_SECONDS} (seconds).`)
}

type Scope = Pick<ParsedSignature, 'accessKeyId' | 'scopeDate' | 'region' | 'service' | 'terminator'>

/** Five elements of plain printable text: they end in error texts, and a region ends in ARNs. */
function readCredential(text: string): Scope {
  const elements = text.split('/', 6)
  const [accessKeyId, scopeDate, region, service, terminator] = elements
  if (elements.length === 5 && elements.every((element) => CREDENTIAL_ELEMENT.test(element))) {
    if (accessKeyId && scopeDate && region && service && terminator) {
      return { accessKeyId, scopeDate, region, service, terminator }
    }
  }
  throw new IncompleteSignatureError(
    'Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.',
  )
}

const CREDENTIAL_ELEMENT = /^[\x21-\x7e]{1,128}$/

function readSignedHeaders(text: string): readonly string[] {
  const names = text.split(';')
  if (names.length <= MAX_SIGNED_HEADERS) return names
  throw new IncompleteSignatureError(
    `SignedHeaders must name at most ${MAX_SIGNED_HEADERS} headers, current value names ${names.length}.`,
  )
}

function readDate(text: string): Pick<ParsedSignature, 'amzDate' | 'signedAt'> {
  const signedAt = parseAmzDate(text)
  if (signedAt !== undefined) return { amzDate: text, signedAt }
  throw new IncompleteSignatureError(
    `Date must be in ISO-8601 'basic format'. Got '${printable(text)}'. See http://en.wikipedia.org/wiki/ISO_8601`,
  )
}

/** What may be repeated in an error text: short, and harmless in XML and logs. */
function printable(text: string): string {
  return text.slice(0, 40).replaceAll(/[^\x20-\x7e]/g, '?')
}

/** undefined for an absent header and for a repeated one: neither is a value to rely on. */
function singleValue(value: string | readonly string[] | undefined): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  return value.length === 1 ? value[0] : undefined
}

/** For what is refused by being there at all, however often. */
function firstValue(value: string | readonly string[] | undefined): string | undefined {
  return value === undefined || typeof value === 'string' ? value : value[0]
}
