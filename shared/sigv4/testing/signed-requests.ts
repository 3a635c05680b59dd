/** Requests signed for the tests of verifying, rightly, wrongly and by signers that keep no rule. */

import assert from 'node:assert/strict'
import { createHmac, hash } from 'node:crypto'
import { canonicalRequest } from '../canonical-request.ts'
import { createSignatureVerifier, type HttpRequestParts, parseSignature, signRequest } from '../index.ts'
import { deriveSigningKey } from '../signing-key.ts'
import { credentialScope, stringToSign } from '../string-to-sign.ts'

export const NOW = Date.UTC(2026, 0, 31, 12)
export const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
export const BODY = 'Action=Publish&Version=2010-03-31&Message=hello'

export function withHeader(
  request: HttpRequestParts,
  name: string,
  value: string | string[] | undefined,
): HttpRequestParts {
  return { ...request, headers: { ...request.headers, [name]: value } }
}

function withAuthorization(
  request: HttpRequestParts,
  pattern: RegExp,
  change: (part: string) => string,
): HttpRequestParts {
  const authorization = String(request.headers.authorization)
  const changed = authorization.replace(pattern, (_, name, part) => `${name}=${change(part)}`)
  assert.notEqual(changed, authorization)
  return withHeader(request, 'authorization', changed)
}

export function withSignature(request: HttpRequestParts, change: (signature: string) => string): HttpRequestParts {
  return withAuthorization(request, /(Signature)=(\w+)/, change)
}

export function withSignedHeaders(request: HttpRequestParts, change: (names: string[]) => string[]): HttpRequestParts {
  return withAuthorization(request, /(SignedHeaders)=([^,]+)/, (names) => change(names.split(';')).join(';'))
}

export function withCredential(credential: string): HttpRequestParts {
  return withAuthorization(setup().request, /(Credential)=([^,]+)/, () => credential)
}

export function verify(
  request: HttpRequestParts,
  o: {
    secretAccessKey?: string
    service?: string
    regions?: readonly string[]
    now?: number
    verifier?: ReturnType<typeof createSignatureVerifier>
  } = {},
): void {
  const parsed = parseSignature(request)
  assert.ok(parsed)
  const verifier = o.verifier ?? createSignatureVerifier()
  verifier.verify(parsed, {
    request,
    secretAccessKey: o.secretAccessKey ?? SECRET,
    service: o.service ?? 'sns',
    ...(o.regions === undefined ? {} : { regions: o.regions }),
    now: o.now ?? NOW,
  })
}

export function setup(o: { region?: string; now?: number } = {}): { request: HttpRequestParts } {
  const headers = signRequest(
    {
      method: 'POST',
      path: '/',
      headers: {
        Host: 'localhost:4443',
        'Content-Type': 'application/x-www-form-urlencoded',
        'My-Header': 'value',
        'User-Agent': 'test',
      },
      body: BODY,
    },
    {
      accessKeyId: 'AKIDEXAMPLE',
      secretAccessKey: SECRET,
      region: o.region ?? 'us-east-1',
      service: 'sns',
      now: o.now ?? NOW,
    },
  )
  return { request: { method: 'POST', path: '/', query: '', headers, bodyHash: hash('sha256', BODY, 'hex') } }
}

const SCOPE = { scopeDate: '20260131', region: 'us-east-1', service: 'sns' }

/** The signature of a signer that knows the secret and keeps none of the rules about what to sign. */
function signatureOf(request: HttpRequestParts, signedHeaders: readonly string[]): string {
  const canonical = canonicalRequest(request, signedHeaders)
  assert.ok(canonical !== undefined)
  return createHmac('sha256', deriveSigningKey(SECRET, SCOPE))
    .update(stringToSign({ amzDate: '20260131T120000Z', scope: SCOPE, canonicalRequest: canonical }))
    .digest('hex')
}

export function resign(request: HttpRequestParts, signedHeaders: readonly string[]): HttpRequestParts {
  const authorization =
    `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/${credentialScope(SCOPE)}, ` +
    `SignedHeaders=${signedHeaders.join(';')}, Signature=${signatureOf(request, signedHeaders)}`
  return withHeader(request, 'authorization', authorization)
}

export function presigned(o: { expires?: number; signedHeaders?: string }): HttpRequestParts {
  const signedHeaders = o.signedHeaders ?? 'host'
  const query =
    'Action=Publish&Message=a%2Bb&X-Amz-Algorithm=AWS4-HMAC-SHA256' +
    `&X-Amz-Credential=AKIDEXAMPLE%2F${encodeURIComponent(credentialScope(SCOPE))}&X-Amz-Date=20260131T120000Z` +
    `${o.expires === undefined ? '' : `&X-Amz-Expires=${o.expires}`}&X-Amz-SignedHeaders=${signedHeaders}`
  const request = {
    method: 'GET',
    path: '/',
    query,
    headers: { host: 'localhost:4443', 'my-header': 'value' },
    bodyHash: hash('sha256', '', 'hex'),
  }
  return { ...request, query: `${query}&X-Amz-Signature=${signatureOf(request, signedHeaders.split('%3B'))}` }
}
