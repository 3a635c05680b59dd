/**
 * The AWS SDK's own signer is the oracle: what it signs, in either form, must verify here, and this
 * folder's signer must write the same header, for any method, path, query, headers and body.
 */

import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { suite, test } from 'node:test'
import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import { createSignatureVerifier, type HttpRequestParts, parseSignature, signRequest } from './index.ts'

suite('the signer of the AWS SDK', () => {
  test('signs headers that verify here', async () => {
    await fc.assert(
      fc.asyncProperty(anyRequest(), fc.integer({ min: 0, max: 3 }), async (request, encoding) => {
        const { signer, verify } = setup()
        const signed = await signer.sign(forOracle(request), { signingDate: new Date(NOW) })
        verify(received({ ...request, headers: signed.headers }, writeQuery(request.query, encoding)))
      }),
      { numRuns: 200 },
    )
  })

  test('presigns requests that verify here', async () => {
    await fc.assert(
      fc.asyncProperty(anyRequest(), fc.integer({ min: 0, max: 3 }), async (request, encoding) => {
        const { signer, verify } = setup()
        const signed = await signer.presign(forOracle(request), { signingDate: new Date(NOW), expiresIn: 60 })
        verify(received({ ...request, headers: signed.headers }, writeQuery(signed.query ?? {}, encoding)))
      }),
      { numRuns: 200 },
    )
  })

  test('writes the same Authorization header as signRequest()', async () => {
    await fc.assert(
      fc.asyncProperty(anyRequest(), fc.option(fc.string(), { nil: undefined }), async (request, sessionToken) => {
        const credentials = { ...CREDENTIALS, ...(sessionToken ? { sessionToken } : {}) }
        const signed = await setup(credentials).signer.sign(forOracle(request), { signingDate: new Date(NOW) })
        const ours = signRequest(
          { ...request, query: writeQuery(request.query, 0) },
          { ...credentials, region: REGION, service: SERVICE, now: NOW },
        )
        assert.equal(ours.authorization, signed.headers.authorization)
      }),
      { numRuns: 200 },
    )
  })
})

const NOW = Date.UTC(2026, 0, 31, 23, 59, 59)
const REGION = 'eu-west-1'
const SERVICE = 'sns'
const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }

interface AnyRequest {
  method: string
  path: string
  query: Record<string, string | string[]>
  headers: Record<string, string>
  body: Uint8Array
}

function anyRequest(): fc.Arbitrary<AnyRequest> {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    fc.string({ unit: fc.constantFrom(..."ab &=+%/?#:;,!'()*~-._ \t\né€😀"), maxLength: 8 }),
  )
  const segment = fc.oneof(fc.constantFrom('.', '..', ''), text.map(encodeURIComponent))
  const name = text.filter((candidate) => !/^x-amz-|^__proto__$/i.test(candidate))
  const headerName = fc.oneof(
    fc.constantFrom(
      'content-type',
      'content-length',
      'user-agent',
      'x-amz-user-agent',
      'x-amz-target',
      'te',
      'proxy-x',
    ),
    fc
      .stringMatching(/^[a-z][a-z0-9_.-]{0,11}$/)
      .filter((candidate) => !/^(x-amz-|date$|authorization$|host$)/.test(candidate)),
  )
  return fc.record({
    method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS'),
    path: fc.array(segment, { maxLength: 5 }).map((segments) => `/${segments.join('/')}`),
    query: fc.dictionary(name, fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 4 })), { maxKeys: 6 }),
    headers: fc
      .dictionary(headerName, fc.string({ unit: fc.constantFrom(...'abZ09 \t,;="/'), maxLength: 16 }), { maxKeys: 8 })
      .map((headers) => ({ ...headers, host: 'localhost:4443' })),
    body: fc.uint8Array({ maxLength: 64 }),
  })
}

function forOracle(request: AnyRequest) {
  return { ...request, protocol: 'https:', hostname: 'localhost', headers: { ...request.headers } }
}

/** The request as a server receives it: lower-case header names, hash taken of the bytes that came. */
function received(request: AnyRequest, query: string): HttpRequestParts {
  const { method, path, headers, body } = request
  return { method, path, query, headers, bodyHash: hash('sha256', body, 'hex') }
}

/**
 * Writes parameters as clients do: as little or as much encoded, spaces as `%20` or `+`, hex digits small
 * or capital, names in another order than signed. All of it means the same and must verify.
 */
function writeQuery(query: Readonly<Record<string, string | string[] | null>>, encoding: number): string {
  const encode = (text: string): string => {
    const encoded = encodeURIComponent(text)
    if (encoding === 1) return encoded.replaceAll('%20', '+')
    if (encoding === 2) return encoded.replaceAll(/%[0-9A-F]{2}/g, (byte) => byte.toLowerCase())
    return encoding === 3 ? encoded.replaceAll('%2F', '/').replaceAll('%3A', ':') : encoded
  }
  const pieces = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((item) => `${encode(name)}=${encode(item ?? '')}`),
  )
  return (encoding === 0 ? pieces : pieces.toReversed()).join('&')
}

function setup(credentials = CREDENTIALS) {
  const verifier = createSignatureVerifier()
  return {
    signer: new SignatureV4({ credentials, region: REGION, service: SERVICE, sha256: Sha256 }),
    verify(request: HttpRequestParts): void {
      const parsed = parseSignature(request)
      assert.ok(parsed)
      assert.equal(parsed.accessKeyId, CREDENTIALS.accessKeyId)
      verifier.verify(parsed, {
        request,
        secretAccessKey: CREDENTIALS.secretAccessKey,
        service: SERVICE,
        regions: [REGION],
        now: NOW,
      })
    },
  }
}
