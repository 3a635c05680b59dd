import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { NOW, presigned, setup, verify, withCredential } from './testing/signed-requests.ts'

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
