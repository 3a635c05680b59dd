/**
 * Builds the canonical request: the text whose hash is signed.
 *
 * Signer and verifier both come through here, so what they could disagree on is the bytes of the
 * request alone. The body takes part by its hash, which the caller computed over the bytes it holds.
 *
 * Rules: AWS, "Create a signed AWS API request", step 1.
 */

import { canonicalPath, canonicalQuery, readQuery } from './canonical-uri.ts'
import type { HttpRequestParts } from './parse-signature.ts'

/**
 * @param signedHeaders lower-case names, in the order they are to be signed
 * @returns undefined when a signed header is not in the request
 */
export function canonicalRequest(request: HttpRequestParts, signedHeaders: readonly string[]): string | undefined {
  let headerLines = ''
  for (const name of signedHeaders) {
    const value = headerValue(request.headers[name])
    if (value === undefined) return undefined
    headerLines += `${name}:${value}\n`
  }
  const query = request.query === '' ? '' : canonicalQuery(readQuery(request.query))
  return (
    `${request.method}\n${canonicalPath(request.path)}\n${query}\n` +
    `${headerLines}\n${signedHeaders.join(';')}\n${request.bodyHash}`
  )
}

/** Trimmed, inner runs of blanks as one space; values of a repeated header joined by a comma, as sent. */
function headerValue(value: unknown): string | undefined {
  if (typeof value === 'string') return collapseBlanks(value)
  // Not a header at all: `constructor` and the like, found on the prototype of Node's object.
  if (!Array.isArray(value)) return undefined
  return value.map((item) => collapseBlanks(String(item))).join(',')
}

const NEEDS_COLLAPSING = /^[ \t]|[ \t]$|[ \t]{2}|\t/

function collapseBlanks(value: string): string {
  return NEEDS_COLLAPSING.test(value) ? value.replaceAll(/[ \t]+/g, ' ').replaceAll(/^ | $/g, '') : value
}
