import assert from 'node:assert/strict'
import { createHmac, hash } from 'node:crypto'
import { suite, test } from 'node:test'
import { canonicalRequest } from './canonical-request.ts'
import { createSignatureVerifier, type HttpRequestParts, parseSignature, signRequest } from './index.ts'
import { deriveSigningKey } from './signing-key.ts'
import { credentialScope, stringToSign } from './string-to-sign.ts'
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

suite('the time window', () => {
  for (const [name, offsetMs, message] of [
    ['accepts a signature exactly 15 minutes old', 900_000, undefined],
    ['accepts a signature exactly 15 minutes ahead', -900_000, undefined],
    [
      'refuses a signature one second older',
      901_000,
      'Signature expired: 20260131T120000Z is now earlier than 20260131T120001Z (20260131T121501Z - 15 min.)',
    ],
    [
      'refuses a signature one second further ahead',
      -901_000,
      'Signature not yet current: 20260131T120000Z is still later than 20260131T115959Z (20260131T114459Z + 15 min.)',
    ],
  ] as const) {
    test(name, () => {
      const attempt = () => verify(setup().request, { now: NOW + offsetMs })
      if (message === undefined) attempt()
      else assert.throws(attempt, { code: 'SIGNATURE_DOES_NOT_MATCH', message })
    })
  }

  test('is judged before the secret is: no signature is needed to learn that the clock is wrong', () => {
    const { request } = setup()
    assert.throws(() => verify(request, { now: NOW + 901_000, secretAccessKey: 'another' }), {
      message: /^Signature expired/,
    })
  })

  test('holds over midnight', () => {
    const { request } = setup({ now: Date.UTC(2026, 0, 31, 23, 59) })
    verify(request, { now: Date.UTC(2026, 1, 1, 0, 5) })
  })
})

suite('the credential scope', () => {
  test('must have the date of the request', () => {
    assert.throws(() => verify(withCredential('AKIDEXAMPLE/20260130/us-east-1/sns/aws4_request')), {
      code: 'SIGNATURE_DOES_NOT_MATCH',
      message:
        'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: ' +
        "'20260130' != '20260131', from '20260131T120000Z'.",
    })
    for (const date of ['2026', '202601', '20260131T', '20260131T120000Z']) {
      assert.throws(() => verify(withCredential(`AKIDEXAMPLE/${date}/us-east-1/sns/aws4_request`)), {
        message: /^Date in Credential scope/,
      })
    }
  })

  test('must have a region that is served', () => {
    const refusal = { code: 'SIGNATURE_DOES_NOT_MATCH', message: 'Credential should be scoped to a valid region. ' }
    assert.throws(() => verify(setup({ region: 'eu-west-1' }).request, { regions: ['us-east-1'] }), refusal)
    verify(setup({ region: 'eu-west-1' }).request, { regions: ['us-east-1', 'eu-west-1'] })
    // Without a list any region is served, but it has to look like one: it becomes a part of ARNs.
    for (const region of ['us:east', 'US-EAST-1', '-', 'a--b', '*']) {
      assert.throws(() => verify(setup({ region }).request), refusal, region)
    }
  })

  test('must have this service', () => {
    assert.throws(() => verify(setup().request, { service: 'kms' }), {
      code: 'SIGNATURE_DOES_NOT_MATCH',
      message: "Credential should be scoped to correct service: 'kms'. ",
    })
  })

  test('must end in aws4_request', () => {
    assert.throws(() => verify(withCredential('AKIDEXAMPLE/20260131/us-east-1/sns/aws5_request')), {
      code: 'SIGNATURE_DOES_NOT_MATCH',
      message: "Credential should be scoped with a valid terminator: 'aws4_request'. ",
    })
  })
})

suite('a presigned request', () => {
  test('lives until X-Amz-Expires is over, and no longer', () => {
    const request = presigned({ expires: 3600 })
    verify(request, { now: NOW + 3_600_000 })
    assert.throws(() => verify(request, { now: NOW + 3_600_001 }), { code: 'REQUEST_EXPIRED' })
  })

  test('lives for 15 minutes without X-Amz-Expires', () => {
    const request = presigned({})
    verify(request, { now: NOW + 900_000 })
    assert.throws(() => verify(request, { now: NOW + 901_000 }), { code: 'SIGNATURE_DOES_NOT_MATCH' })
  })

  test('is refused more than 15 minutes before its time', () => {
    const request = presigned({ expires: 604_800 })
    verify(request, { now: NOW - 900_000 })
    assert.throws(() => verify(request, { now: NOW - 901_000 }), { code: 'SIGNATURE_DOES_NOT_MATCH' })
  })

  for (const [name, mutate] of Object.entries({
    'a longer life': (query) => query.replace('X-Amz-Expires=3600', 'X-Amz-Expires=604800'),
    'another parameter': (query) => `${query}&Extra=1`,
    'a changed parameter': (query) => query.replace('Action=Publish', 'Action=DeleteTopic'),
    'a removed parameter': (query) => query.replace('Action=Publish&', ''),
    'a plus made a space': (query) => query.replace('%2B', '+'),
    'another signature': (query) =>
      query.replace(/Signature=(.)/, (_, digit) => `Signature=${digit === '0' ? '1' : '0'}`),
  } satisfies Record<string, (query: string) => string>)) {
    test(`is refused with ${name}`, () => {
      const request = presigned({ expires: 3600 })
      const query = mutate(request.query)
      assert.notEqual(query, request.query)
      verify(request)
      assert.throws(() => verify({ ...request, query }), { code: 'SIGNATURE_DOES_NOT_MATCH' })
    })
  }

  test('is refused with an x-amz-* header beside it that it did not sign', () => {
    const request = presigned({ expires: 3600 })
    const headers = { ...request.headers, 'x-amz-target': 'TrentService.Decrypt' }
    assert.throws(() => verify({ ...request, headers }), { code: 'SIGNATURE_DOES_NOT_MATCH' })
  })
})

/** Hoisted like the next one: tests are made from both while the suites are being declared. */
function neededHeaders(): readonly string[] {
  return ['host', 'x-amz-content-sha256', 'x-amz-date']
}

const NOW = Date.UTC(2026, 0, 31, 12)
const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const BODY = 'Action=Publish&Version=2010-03-31&Message=hello'

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

function withHeader(request: HttpRequestParts, name: string, value: string | string[] | undefined): HttpRequestParts {
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

function withSignature(request: HttpRequestParts, change: (signature: string) => string): HttpRequestParts {
  return withAuthorization(request, /(Signature)=(\w+)/, change)
}

function withSignedHeaders(request: HttpRequestParts, change: (names: string[]) => string[]): HttpRequestParts {
  return withAuthorization(request, /(SignedHeaders)=([^,]+)/, (names) => change(names.split(';')).join(';'))
}

function withCredential(credential: string): HttpRequestParts {
  return withAuthorization(setup().request, /(Credential)=([^,]+)/, () => credential)
}

function verify(
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

function setup(o: { region?: string; now?: number } = {}): { request: HttpRequestParts } {
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

function resign(request: HttpRequestParts, signedHeaders: readonly string[]): HttpRequestParts {
  const authorization =
    `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/${credentialScope(SCOPE)}, ` +
    `SignedHeaders=${signedHeaders.join(';')}, Signature=${signatureOf(request, signedHeaders)}`
  return withHeader(request, 'authorization', authorization)
}

function presigned(o: { expires?: number; signedHeaders?: string }): HttpRequestParts {
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
