import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import { createFakeClock } from '#shared/clock'
import type { Principal } from '#shared/principals'
import { signRequest } from '#shared/sigv4'
import type { FindSigner } from '#shared/sts'
import { createTestPrincipal } from '#shared/test-principals'
import { createAuthenticate } from './authenticate.ts'

const secretAccessKey = 'an example of a secret'
const accessKeyId = 'AKIAEXAMPLE'
const principal = createTestPrincipal({ arn: 'arn:aws:iam::000000000000:user/ada' })

const SESSION = {
  accessKeyId: 'ASIAEXAMPLE',
  secretAccessKey: 'the secret of a session',
  // Every character that a token may have.
  sessionToken: `${'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.repeat(20)}AA==`,
}
const sessionPrincipal = createTestPrincipal({
  kind: 'role-session',
  arn: 'arn:aws:sts::000000000000:assumed-role/publisher/ada',
})
const handedOn = { tags: { team: 'a' }, transitiveTagKeys: ['team'] }
const sessionSigner = {
  principal: sessionPrincipal,
  secretAccessKey: SESSION.secretAccessKey,
  session: handedOn,
}

const CONNECTION = { secure: true, remoteAddress: '192.0.2.1' }

suite('authenticate()', () => {
  test('returns who signed and the region of the credential scope', () => {
    const { authenticate, request } = setup({ region: 'eu-central-1' })
    assert.deepEqual(authenticate(request, 'sns'), {
      principal,
      region: 'eu-central-1',
      accessKeyId,
      sourceIp: '192.0.2.1',
      secure: true,
    })
    const told = { ...request, headers: { ...request.headers, 'user-agent': 'aws-cli/2' } }
    assert.equal(authenticate(told, 'sns')?.userAgent, 'aws-cli/2')
    const long = { ...request, headers: { ...request.headers, 'user-agent': 'a'.repeat(60_000) } }
    assert.equal(authenticate(long, 'sns')?.userAgent, 'a'.repeat(512))
  })

  test('returns undefined without a signature', () => {
    const { authenticate, request } = setup({})
    assert.equal(authenticate({ ...request, headers: { host: 'broker' } }, 'sns'), undefined)
  })

  test('refuses an unknown access key and a session token, which nobody was given', () => {
    for (const o of [{ accessKeyId: 'AKIANOBODY' }, { sessionToken: 'a token' }]) {
      const { authenticate, request } = setup(o)
      assert.throws(() => authenticate(request, 'sns'), { code: 'INVALID_CLIENT_TOKEN_ID' })
    }
  })

  test('hashes the body itself', () => {
    const { authenticate, request } = setup({})
    assert.throws(() => authenticate({ ...request, body: Buffer.from('Action=DeleteTopic') }, 'sns'), {
      code: 'SIGNATURE_DOES_NOT_MATCH',
    })
  })

  test("takes the SDK's signature of a session, in headers and presigned", async () => {
    const { authenticate, request, signer, now } = setup({})
    const [form, presigned] = await Promise.all([
      signer.sign(TO_SIGN, { signingDate: now }),
      signer.presign({ ...TO_SIGN, method: 'GET', body: undefined }, { signingDate: now, expiresIn: 60 }),
    ])
    const query = Object.entries(presigned.query ?? {}).map(([name, value]) => `${name}=${encode(String(value))}`)
    assert.match(query.join('&'), /X-Amz-Security-Token=/)
    for (const sent of [
      { ...request, headers: form.headers },
      { ...request, method: 'GET', query: query.join('&'), headers: presigned.headers, body: Buffer.alloc(0) },
    ]) {
      const caller = authenticate(sent, 'sns')
      assert.equal(caller?.principal, sessionPrincipal)
      assert.deepEqual(caller?.session, handedOn)
    }
  })

  test('refuses a token that was put in, taken out or changed after signing', async () => {
    const { authenticate, request, signer, now } = setup({})
    const { headers } = await signer.sign(TO_SIGN, { signingDate: now })
    const { 'x-amz-security-token': token = '', ...without } = headers
    assert.throws(() => authenticate({ ...request, headers: without }, 'sns'), { code: 'INVALID_CLIENT_TOKEN_ID' })
    const changed = { ...headers, 'x-amz-security-token': token.replace('A', 'B') }
    assert.throws(() => authenticate({ ...request, headers: changed }, 'sns'), { code: 'INVALID_CLIENT_TOKEN_ID' })
    const unsigned = await setup({}).signerOf({ sessionToken: undefined }).sign(TO_SIGN, { signingDate: now })
    const appended = { ...unsigned.headers, 'x-amz-security-token': token }
    assert.throws(() => authenticate({ ...request, headers: appended }, 'sns'), { code: 'SIGNATURE_DOES_NOT_MATCH' })
  })

  test("takes STS's global region beside those that are served, for STS alone", () => {
    const regions = ['eu-west-1']
    const { authenticate, request } = setup({ regions, service: 'sts' })
    assert.equal(authenticate(request, 'sts')?.region, 'us-east-1')
    assert.throws(() => setup({ regions }).authenticate(setup({}).request, 'sns'), { code: 'SIGNATURE_DOES_NOT_MATCH' })
  })

  test('refuses a scope of another service or of a region that is not served', () => {
    const { authenticate, request } = setup({ regions: ['eu-west-1'] })
    assert.throws(() => authenticate(request, 'sns'), { code: 'SIGNATURE_DOES_NOT_MATCH' })
    assert.throws(() => setup({}).authenticate(setup({}).request, 'sts'), { code: 'SIGNATURE_DOES_NOT_MATCH' })
  })

  test('tells for whom a service acts, as long as it signed that, and nothing of the kind for a user', () => {
    const service = createTestPrincipal({ arn: 's3.amazonaws.com', kind: 'service', account: 'aws' })
    const headers = { 'x-amz-source-arn': 'arn:aws:s3:::pictures', 'x-amz-source-account': '111122223333' }
    const asService = setup({ signer: service, headers })
    const caller = asService.authenticate(asService.request, 'sns')
    assert.deepEqual(caller?.source, { arn: 'arn:aws:s3:::pictures', account: '111122223333' })
    assert.match(caller?.principal.publisher ?? '', /^s3\.amazonaws\.com#/)

    const asUser = setup({ headers })
    const user = asUser.authenticate(asUser.request, 'sns')
    assert.deepEqual([user?.source, user?.principal.publisher], [undefined, principal.publisher])

    const { authenticate, request } = setup({ signer: service })
    const added = { ...request, headers: { ...request.headers, ...headers } }
    assert.throws(() => authenticate(added, 'sns'), { code: 'SIGNATURE_DOES_NOT_MATCH' })
  })

  test('takes a region of 32 characters', () => {
    const region = 'r'.repeat(32)
    const { authenticate, request } = setup({ region })
    assert.equal(authenticate(request, 'sns')?.region, region)
  })

  for (const region of ['r'.repeat(33), 'fips-us-east-1', 'us-east-1-fips', 'US-EAST-1', 'us--east-1', '.']) {
    test(`refuses the region ${region}, of which no topic could be named`, () => {
      const { authenticate, request } = setup({ region })
      assert.throws(() => authenticate(request, 'sns'), {
        code: 'SIGNATURE_DOES_NOT_MATCH',
        message: 'Credential should be scoped to a valid region. ',
      })
    })
  }
})

const TO_SIGN = {
  method: 'POST',
  protocol: 'https:',
  hostname: 'broker',
  path: '/',
  query: {},
  headers: { host: 'broker' } as Record<string, string>,
  body: 'Action=ListTopics',
}

/** As the SDK writes a query. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function setup(o: {
  accessKeyId?: string
  sessionToken?: string
  region?: string
  regions?: string[]
  signer?: Principal
  headers?: Record<string, string>
  service?: string
}) {
  const signerOf = (credentials: { sessionToken: string | undefined }) => {
    const { sessionToken } = credentials
    const { sessionToken: _, ...keys } = SESSION
    return new SignatureV4({
      credentials: { ...keys, ...(sessionToken === undefined ? {} : { sessionToken }) },
      region: 'us-east-1',
      service: 'sns',
      sha256: Sha256,
    })
  }
  const clock = createFakeClock()
  const body = Buffer.from('Action=ListTopics')
  const headers = signRequest(
    { method: 'POST', path: '/', headers: { host: 'broker', ...o.headers }, body },
    {
      accessKeyId: o.accessKeyId ?? accessKeyId,
      secretAccessKey,
      ...(o.sessionToken === undefined ? {} : { sessionToken: o.sessionToken }),
      region: o.region ?? 'us-east-1',
      service: o.service ?? 'sns',
      now: clock.now(),
    },
  )
  const findSigner: FindSigner = (id, token) => {
    if (token === undefined)
      return id === accessKeyId ? { principal: o.signer ?? principal, secretAccessKey } : undefined
    return id === SESSION.accessKeyId && token === SESSION.sessionToken ? sessionSigner : undefined
  }
  return {
    authenticate: createAuthenticate({ findSigner, clock, regions: o.regions ?? [] }),
    signer: signerOf(SESSION),
    signerOf,
    now: new Date(clock.now()),
    request: { method: 'POST', path: '/', query: '', headers, body, ...CONNECTION },
  }
}
