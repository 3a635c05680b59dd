import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { suite, test } from 'node:test'
import { createSignatureVerifier, type HttpRequestParts } from './index.ts'
import {
  BODY,
  resign,
  SECRET,
  setup,
  verify,
  withHeader,
  withSignature,
  withSignedHeaders,
} from './testing/signed-requests.ts'
import vectors from './vectors/requests.json' with { type: 'json' }

suite('SignatureVerifier.verify()', () => {
  for (const vector of vectors.requests) {
    test(`accepts the vector ${vector.name}, and its signature alone`, () => {
      const { accessKeyId, amzDate, region, secretAccessKey } = vectors
      const headers: Record<string, string | string[]> = { 'x-amz-date': amzDate }
      for (const [name, value] of Object.entries(vector.headers)) headers[name] = value
      const sign = (signature: string): HttpRequestParts => {
        const credential = `${accessKeyId}/${amzDate.slice(0, 8)}/${region}/${vector.service}/aws4_request`
        const authorization =
          `AWS4-HMAC-SHA256 Credential=${credential}, ` +
          `SignedHeaders=${Object.keys(headers).sort().join(';')}, Signature=${signature}`
        const { method, path, query } = vector
        return {
          method,
          path,
          query,
          headers: { ...headers, authorization },
          bodyHash: hash('sha256', vector.body, 'hex'),
        }
      }
      const o = { secretAccessKey, service: vector.service, now: Date.UTC(2015, 7, 30, 12, 36) }
      verify(sign(vector.signature), o)
      const other = vector.signature.startsWith('0') ? '1' : '0'
      assert.throws(() => verify(sign(other + vector.signature.slice(1)), o), { code: 'SIGNATURE_DOES_NOT_MATCH' })
    })
  }

  for (const [name, mutate] of Object.entries(mutations())) {
    test(`refuses ${name}`, () => {
      const request = mutate(setup().request)
      assert.throws(() => verify(request), { code: 'SIGNATURE_DOES_NOT_MATCH' })
    })
  }

  test('accepts the request that all those were made from', () => verify(setup().request))

  test('refuses every other body, for every digit of its hash, when the body takes part by its hash alone', () => {
    const request = resign(withHeader(setup().request, 'x-amz-content-sha256', undefined), ['host', 'x-amz-date'])
    verify(request)
    for (let at = 0; at < 64; at++) {
      const digit = Number.parseInt(request.bodyHash.charAt(at), 16) ^ 1
      const bodyHash = request.bodyHash.slice(0, at) + digit.toString(16) + request.bodyHash.slice(at + 1)
      assert.throws(() => verify({ ...request, bodyHash }), { code: 'SIGNATURE_DOES_NOT_MATCH' })
    }
  })

  for (const [name, signedHeaders, change] of [
    ['host is not signed', ['x-amz-content-sha256', 'x-amz-date'], undefined],
    ['x-amz-date is not signed', ['host', 'x-amz-content-sha256'], undefined],
    ['x-amz-content-sha256 is not signed', ['host', 'x-amz-date'], undefined],
    ['the signed headers are not sorted', ['x-amz-date', 'x-amz-content-sha256', 'host'], undefined],
    ['a header is signed twice', ['host', 'host', 'x-amz-content-sha256', 'x-amz-date'], undefined],
    ['a security token is not signed', neededHeaders(), { 'x-amz-security-token': 'token' }],
    ['a target is not signed', neededHeaders(), { 'x-amz-target': 'TrentService.Decrypt' }],
    [
      'the content hash is that of another body',
      neededHeaders(),
      { 'x-amz-content-sha256': hash('sha256', 'other', 'hex') },
    ],
    ['the content hash is UNSIGNED-PAYLOAD', neededHeaders(), { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }],
    ['the content hash is empty', neededHeaders(), { 'x-amz-content-sha256': '' }],
  ] as const) {
    test(`refuses, although the secret is right, a request of which ${name}`, () => {
      const { request } = setup()
      const changed = resign({ ...request, headers: { ...request.headers, ...change } }, signedHeaders)
      assert.throws(() => verify(changed), { code: 'SIGNATURE_DOES_NOT_MATCH' })
    })
  }

  test('refuses, although the secret is right, a header name with a capital', () => {
    const { request } = setup()
    const headers = { ...request.headers, Host: 'localhost:4443' }
    const changed = resign({ ...request, headers }, ['Host', ...neededHeaders()])
    assert.throws(() => verify(changed), { code: 'SIGNATURE_DOES_NOT_MATCH' })
  })

  test('says that host must be signed', () => {
    const request = resign(setup().request, ['x-amz-content-sha256', 'x-amz-date'])
    const message = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
    assert.throws(() => verify(request), { message })
  })

  test('refuses another secret, also when a key for the right one is cached', () => {
    const { request } = setup()
    const verifier = createSignatureVerifier()
    const attempt = (secretAccessKey: string) => verify(request, { secretAccessKey, verifier })
    attempt(SECRET)
    assert.throws(() => attempt('another secret access key'), { code: 'SIGNATURE_DOES_NOT_MATCH' })
    attempt(SECRET)
  })

  test('gives the same answer when the cache holds no more than one key', () => {
    const verifier = createSignatureVerifier({ maxCachedKeys: 1 })
    for (const region of ['us-east-1', 'eu-west-1', 'us-east-1', 'us-east-1'])
      verify(setup({ region }).request, { verifier })
  })

  test('accepts a header added on the way that is not signed', () => {
    const { request } = setup()
    for (const name of ['x-forwarded-for', 'x-amzn-trace-id', 'x-amz-cf-id', 'via']) {
      verify({ ...request, headers: { ...request.headers, [name]: 'added' } })
    }
  })

  test('accepts a request whose x-amz-user-agent is not signed', () => {
    const { request } = setup()
    verify({ ...request, headers: { ...request.headers, 'x-amz-user-agent': 'aws-sdk' } })
  })

  test('ignores an x-amz-* header that is there in name only', () => {
    const { request } = setup()
    verify({ ...request, headers: { ...request.headers, 'x-amz-target': undefined } })
  })
})

/** Hoisted like the next one: tests are made from both while the suites are being declared. */
function neededHeaders(): readonly string[] {
  return ['host', 'x-amz-content-sha256', 'x-amz-date']
}
/** Each takes a request that verifies and returns one that must not. Hoisted: the tests are made from it. */
function mutations(): Record<string, (request: HttpRequestParts) => HttpRequestParts> {
  return {
    'a flipped body byte': (request) => ({
      ...request,
      bodyHash: hash('sha256', BODY.replace('hello', 'hellp'), 'hex'),
    }),
    'a flipped body byte with its own x-amz-content-sha256': (request) => {
      const bodyHash = hash('sha256', BODY.replace('hello', 'hellp'), 'hex')
      return { ...withHeader(request, 'x-amz-content-sha256', bodyHash), bodyHash }
    },
    'an empty body': (request) => ({ ...request, bodyHash: hash('sha256', '', 'hex') }),
    'x-amz-content-sha256 UNSIGNED-PAYLOAD': (request) =>
      withHeader(request, 'x-amz-content-sha256', 'UNSIGNED-PAYLOAD'),
    'a removed x-amz-content-sha256': (request) => withHeader(request, 'x-amz-content-sha256', undefined),
    'x-amz-content-sha256 twice': (request) =>
      withHeader(request, 'x-amz-content-sha256', [request.bodyHash, request.bodyHash]),
    'another method': (request) => ({ ...request, method: 'PUT' }),
    'another host': (request) => withHeader(request, 'host', 'localhost:4444'),
    'a second host': (request) => withHeader(request, 'host', ['localhost:4443', 'localhost:4444']),
    'another path': (request) => ({ ...request, path: '/other' }),
    'an encoded path': (request) => ({ ...request, path: '/%2F' }),
    'an added query': (request) => ({ ...request, query: 'Action=DeleteTopic' }),
    'another value of a signed header': (request) => withHeader(request, 'content-type', 'text/plain'),
    'a changed case in a signed header': (request) => withHeader(request, 'my-header', 'VALUE'),
    'a repeated signed header': (request) => withHeader(request, 'my-header', ['value', 'value']),
    'a removed signed header': (request) => withHeader(request, 'my-header', undefined),
    'a header added to SignedHeaders that is there': (request) =>
      withHeader(
        withSignedHeaders(request, (names) => [...names, 'zz-added']),
        'zz-added',
        'x',
      ),
    'a header added to SignedHeaders that is not there': (request) =>
      withSignedHeaders(request, (names) => [...names, 'zz']),
    'constructor added to SignedHeaders': (request) =>
      withSignedHeaders(request, (names) => [...names, 'constructor'].sort()),
    '__proto__ added to SignedHeaders': (request) => withSignedHeaders(request, (names) => ['__proto__', ...names]),
    'a header removed from SignedHeaders': (request) =>
      withSignedHeaders(request, (names) => names.filter((name) => name !== 'my-header')),
    'reordered SignedHeaders': (request) => withSignedHeaders(request, (names) => names.toReversed()),
    'a header twice in SignedHeaders': (request) => withSignedHeaders(request, (names) => ['content-type', ...names]),
    'a capital in SignedHeaders': (request) =>
      withSignedHeaders(request, (names) => names.map((name) => (name === 'host' ? 'Host' : name))),
    'an empty name in SignedHeaders': (request) => withSignedHeaders(request, (names) => ['', ...names]),
    'no host in SignedHeaders': (request) =>
      withSignedHeaders(request, (names) => names.filter((name) => name !== 'host')),
    'no x-amz-date in SignedHeaders': (request) =>
      withSignedHeaders(request, (names) => names.filter((name) => name !== 'x-amz-date')),
    'an unsigned x-amz-security-token': (request) => withHeader(request, 'x-amz-security-token', 'token'),
    'an unsigned x-amz-target': (request) => withHeader(request, 'x-amz-target', 'TrentService.Decrypt'),
    'another second': (request) => withHeader(request, 'x-amz-date', '20260131T120001Z'),
    'a signature in capitals': (request) => withSignature(request, (signature) => signature.toUpperCase()),
    'a signature cut short': (request) => withSignature(request, (signature) => signature.slice(0, 63)),
    'a signature too long': (request) => withSignature(request, (signature) => `${signature}0`),
    'a signature with a last digit changed': (request) =>
      withSignature(request, (signature) => signature.slice(0, 63) + (signature.endsWith('0') ? '1' : '0')),
    'a signature of characters that are no digits': (request) => withSignature(request, () => 'ä'.repeat(32)),
  }
}
