import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { BrokerError } from '#shared/errors'
import { type HttpRequestParts, parseSignature } from './index.ts'

suite('parseSignature()', () => {
  test('reads the Authorization header', () => {
    assert.deepEqual(parseSignature(signedByHeader()), {
      via: 'header',
      accessKeyId: 'AKIDEXAMPLE',
      scopeDate: '20150830',
      region: 'us-east-1',
      service: 'sns',
      terminator: 'aws4_request',
      signedHeaders: ['host', 'x-amz-date'],
      signature: SIGNATURE,
      amzDate: '20150830T123600Z',
      signedAt: Date.UTC(2015, 7, 30, 12, 36),
    })
  })

  test('reads the parameters of a presigned URL', () => {
    assert.deepEqual(parseSignature(presigned({ 'X-Amz-Expires': '60', 'X-Amz-Security-Token': 'a%2Fb' })), {
      via: 'query',
      accessKeyId: 'AKIDEXAMPLE',
      scopeDate: '20150830',
      region: 'us-east-1',
      service: 'sns',
      terminator: 'aws4_request',
      signedHeaders: ['host', 'x-amz-date'],
      signature: SIGNATURE,
      amzDate: '20150830T123600Z',
      signedAt: Date.UTC(2015, 7, 30, 12, 36),
      sessionToken: 'a/b',
      expiresSeconds: 60,
    })
  })

  test('takes the parts of the header in any order, with or without spaces', () => {
    const authorization = `AWS4-HMAC-SHA256   Signature=${SIGNATURE},SignedHeaders=host;x-amz-date,  Credential=${credential()}`
    assert.deepEqual(parseSignature(signedByHeader({ authorization })), parseSignature(signedByHeader()))
  })

  test('takes headers as lists, as headersDistinct has them', () => {
    const { authorization } = signedByHeader().headers
    assert.deepEqual(
      parseSignature(signedByHeader({ authorization: [String(authorization)], 'x-amz-date': ['20150830T123600Z'] })),
      parseSignature(signedByHeader()),
    )
  })

  test('takes the Date header only where X-Amz-Date is absent', () => {
    const withDate = signedByHeader({ 'x-amz-date': undefined, date: '20150830T123601Z' })
    assert.equal(parseSignature(withDate)?.amzDate, '20150830T123601Z')
    assert.equal(parseSignature(signedByHeader({ date: '20150830T123601Z' }))?.amzDate, '20150830T123600Z')
    refusedAsIncomplete(
      signedByHeader({ 'x-amz-date': ['20150830T123600Z', '20150830T123600Z'], date: '20150830T123601Z' }),
    )
  })

  test('exposes a session token wherever it stands, an empty or repeated one too', () => {
    assert.equal(parseSignature(signedByHeader({ 'x-amz-security-token': 'token' }))?.sessionToken, 'token')
    assert.equal(parseSignature(signedByHeader({ 'x-amz-security-token': '' }))?.sessionToken, '')
    assert.equal(parseSignature(signedByHeader({ 'x-amz-security-token': ['a', 'b'] }))?.sessionToken, 'a')
    const request = presigned({})
    request.headers = { ...request.headers, 'x-amz-security-token': 'token' }
    assert.equal(parseSignature(request)?.sessionToken, 'token')
  })

  test('gives undefined for a request that is not signed', () => {
    for (const query of [
      '',
      'Action=Publish',
      'X-Amz-Date=20150830T123600Z',
      'Signature=old&AWSAccessKeyId=v2',
      'a=%ff%',
    ]) {
      assert.equal(parseSignature({ ...signedByHeader({ authorization: undefined }), query }), undefined)
    }
  })

  for (const [name, authorization] of [
    ['an empty header', ''],
    ['another scheme', 'Bearer abc'],
    ['the algorithm alone', 'AWS4-HMAC-SHA256'],
    ['SigV4A', `AWS4-ECDSA-P256-SHA256 Credential=${credential()}, SignedHeaders=host, Signature=00`],
    ['a lower-case algorithm', `aws4-hmac-sha256 Credential=${credential()}, SignedHeaders=host, Signature=00`],
    ['no Credential', 'AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00'],
    ['no SignedHeaders', `AWS4-HMAC-SHA256 Credential=${credential()}, Signature=00`],
    ['no Signature', `AWS4-HMAC-SHA256 Credential=${credential()}, SignedHeaders=host`],
    ['an empty Signature', `AWS4-HMAC-SHA256 Credential=${credential()}, SignedHeaders=host, Signature=`],
    [
      'a second Credential',
      `AWS4-HMAC-SHA256 Credential=${credential()}, Credential=${credential()}, SignedHeaders=host, Signature=00`,
    ],
    [
      'a second Signature',
      `AWS4-HMAC-SHA256 Credential=${credential()}, SignedHeaders=host, Signature=00, Signature=00`,
    ],
    ['an unknown part', `AWS4-HMAC-SHA256 Credential=${credential()}, SignedHeaders=host, Signature=00, Region=x`],
    ['a part without equals sign', `AWS4-HMAC-SHA256 Credential=${credential()}, SignedHeaders=host, Signature=00, x`],
    ['a stray comma', `AWS4-HMAC-SHA256 Credential=${credential()}, SignedHeaders=host, Signature=00,`],
    ['parts parted by spaces', `AWS4-HMAC-SHA256 Credential=${credential()} SignedHeaders=host Signature=00`],
    ['a lower-case part name', `AWS4-HMAC-SHA256 credential=${credential()}, SignedHeaders=host, Signature=00`],
    ['a credential of four elements', 'AWS4-HMAC-SHA256 Credential=a/20150830/r/sns, SignedHeaders=host, Signature=00'],
    [
      'a credential of six elements',
      'AWS4-HMAC-SHA256 Credential=a/b/20150830/r/sns/aws4_request, SignedHeaders=host, Signature=00',
    ],
    [
      'a credential with an empty element',
      'AWS4-HMAC-SHA256 Credential=a/20150830//sns/aws4_request, SignedHeaders=host, Signature=00',
    ],
    [
      'a credential with a line feed',
      'AWS4-HMAC-SHA256 Credential=a/20150830/r\n/sns/aws4_request, SignedHeaders=host, Signature=00',
    ],
    [
      'too many signed headers',
      `AWS4-HMAC-SHA256 Credential=${credential()}, SignedHeaders=${'a;'.repeat(100)}b, Signature=00`,
    ],
  ] as const) {
    test(`refuses ${name}`, () => refusedAsIncomplete(signedByHeader({ authorization })))
  }

  test('names every missing part at once, as AWS does', () => {
    assert.throws(() => parseSignature(signedByHeader({ authorization: 'Basic x', 'x-amz-date': undefined })), {
      message:
        "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. " +
        "Authorization header requires 'SignedHeaders' parameter. " +
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
    })
  })

  test('refuses a request without any date', () => refusedAsIncomplete(signedByHeader({ 'x-amz-date': undefined })))

  test('refuses a date in another format, in either header', () => {
    refusedAsIncomplete(signedByHeader({ 'x-amz-date': '2015-08-30T12:36:00Z' }))
    refusedAsIncomplete(signedByHeader({ 'x-amz-date': undefined, date: 'Sun, 30 Aug 2015 12:36:00 GMT' }))
  })

  test('refuses two Authorization headers', () => {
    const { authorization } = signedByHeader().headers
    refusedAsIncomplete(signedByHeader({ authorization: [String(authorization), String(authorization)] }))
  })

  test('refuses a request signed in header and query both', () => {
    for (const query of [presigned({}).query, 'X-Amz-Signature=00', 'a=b&%58-Amz-Signature=00', 'X-Amz-Credential=']) {
      refusedAsIncomplete({ ...signedByHeader(), query })
    }
  })

  for (const name of ['X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Date', 'X-Amz-SignedHeaders', 'X-Amz-Signature']) {
    test(`refuses a presigned request without ${name}`, () => refusedAsIncomplete(presigned({ [name]: undefined })))

    test(`refuses a presigned request with ${name} twice`, () => {
      const request = presigned({})
      refusedAsIncomplete({ ...request, query: `${request.query}&${name}=x` })
    })
  }

  test('refuses a presigned request of another algorithm', () => {
    refusedAsIncomplete(presigned({ 'X-Amz-Algorithm': 'AWS4-ECDSA-P256-SHA256' }))
  })

  test('refuses a presigned parameter that is not UTF-8', () =>
    refusedAsIncomplete(presigned({ 'X-Amz-Credential': '%ff' })))

  for (const expires of ['', '0', '-1', '604801', '1e3', '60.5', '99999999999999999999', ' 60', '0x10']) {
    test(`refuses X-Amz-Expires ${JSON.stringify(expires)}`, () => {
      refusedAsIncomplete(presigned({ 'X-Amz-Expires': encodeURIComponent(expires) }))
    })
  }

  test('takes X-Amz-Expires from a second to a week', () => {
    assert.equal(parseSignature(presigned({ 'X-Amz-Expires': '1' }))?.expiresSeconds, 1)
    assert.equal(parseSignature(presigned({ 'X-Amz-Expires': '604800' }))?.expiresSeconds, 604_800)
  })

  test('throws nothing but its own errors, and repeats no signature, for any header and query', () => {
    fc.assert(
      fc.property(
        headerText(),
        queryText(),
        fc.option(fc.string(), { nil: undefined }),
        (authorization, query, amzDate) => {
          const request = { ...signedByHeader({ authorization, 'x-amz-date': amzDate }), query }
          try {
            parseSignature(request)
          } catch (error) {
            assert.ok(error instanceof BrokerError)
            assert.equal(error.code, 'INCOMPLETE_SIGNATURE')
            assert.doesNotMatch(error.message, /5d672d79/)
            assert.match(error.message, /^[\x20-\x7e]*$/)
          }
        },
      ),
      { numRuns: 2_000 },
    )
  })
})

const SIGNATURE = '5d672d79c15b13162d9279b0855cfbb6789a8edb4c82c400e06b5924a6f2b5d7'

/** Hoisted, since the tables above are built while the suite is being declared. */
function credential(): string {
  return 'AKIDEXAMPLE/20150830/us-east-1/sns/aws4_request'
}

function refusedAsIncomplete(request: HttpRequestParts): void {
  assert.throws(() => parseSignature(request), { code: 'INCOMPLETE_SIGNATURE' })
}

function signedByHeader(headers: HttpRequestParts['headers'] = {}): HttpRequestParts {
  return {
    method: 'POST',
    path: '/',
    query: '',
    headers: {
      host: 'localhost',
      'x-amz-date': '20150830T123600Z',
      authorization: `AWS4-HMAC-SHA256 Credential=${credential()}, SignedHeaders=host;x-amz-date, Signature=${SIGNATURE}`,
      ...headers,
    },
    bodyHash: '',
  }
}

function presigned(parameters: Readonly<Record<string, string | undefined>>): HttpRequestParts {
  const all = {
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': encodeURIComponent(credential()),
    'X-Amz-Date': '20150830T123600Z',
    'X-Amz-SignedHeaders': 'host%3Bx-amz-date',
    'X-Amz-Signature': SIGNATURE,
    ...parameters,
  }
  const pieces = Object.entries(all).filter(([, value]) => value !== undefined)
  return {
    method: 'GET',
    path: '/',
    query: pieces.map(([name, value]) => `${name}=${value}`).join('&'),
    headers: { host: 'localhost' },
    bodyHash: '',
  }
}

/** Free text, and text that almost is a header: pieces of a real one in any order and number. */
function headerText(): fc.Arbitrary<string> {
  const pieces = [
    'AWS4-HMAC-SHA256 ',
    `Credential=${credential()}`,
    'SignedHeaders=host;x-amz-date',
    `Signature=${SIGNATURE}`,
    'Credential=',
    ',',
    ', ',
    ' ',
    '=',
    '/',
    '\u0000',
  ]
  return fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 3 })), { maxLength: 8 })
      .map((all) => all.join('')),
  )
}

function queryText(): fc.Arbitrary<string> {
  const pieces = presigned({ 'X-Amz-Expires': '60' }).query.split('&')
  const piece = fc.oneof(
    fc.constantFrom(...pieces),
    fc.string({ unit: 'binary', maxLength: 5 }),
    fc.constant('X-Amz-Date=%ff'),
  )
  return fc.oneof(
    fc.constant(''),
    fc.array(piece, { maxLength: 9 }).map((all) => all.join('&')),
  )
}
