/** AWS KMS asked in the role of a publisher: stand-ins for STS and KMS, which fail as the test says. */

import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, suite, type TestContext, test } from 'node:test'
import { createAwsKmsClient } from './index.ts'
import { clearEnvironment } from './testing/clear-environment.ts'
import { startStandIn } from './testing/stand-in.ts'

const KEY_ARN = 'arn:aws:kms:us-east-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab'
const ROLE = 'arn:aws:iam::444455556666:role/kms'
const ASK = {
  keyId: KEY_ARN,
  topicArn: 'arn:aws:sns:us-east-1:999988887777:orders',
  principal: 'arn:aws:iam::999988887777:user/ada',
  purpose: 'issue',
} as const
const DEADLINE_MS = 1_000

suite('createAwsKmsClient() in a role', () => {
  beforeEach(clearEnvironment)
  afterEach(clearEnvironment)

  test("asks STS as the broker and KMS as the role's session, in the name of the publisher", async (t) => {
    const { client, sts, kms, observed, roles } = await setup(t)
    const all = await Promise.all(Array.from({ length: 5 }, () => client.generateDataKey({ ...ASK, roleArn: ROLE })))
    const { encryptedDataKey = Buffer.alloc(0), keyArn = '' } = all[0] ?? {}
    await client.decrypt({ ...ASK, encryptedDataKey, keyArn, roleArn: ROLE, purpose: 'share' })
    assert.deepEqual([...new URLSearchParams(sts.bodies[0])].toSorted(), [
      ['Action', 'AssumeRole'],
      ['DurationSeconds', '3600'],
      ['RoleArn', ROLE],
      ['RoleSessionName', 'sealcast-999988887777-user.ada'],
      ['Version', '2011-06-15'],
    ])
    assert.deepEqual([signersOf(sts), signersOf(kms)], [['AKIABROKER'], Array(6).fill('ASIA1')])
    assert.ok(kms.seen.every((headers) => headers['x-amz-security-token'] === 'TOKEN1'))
    assert.deepEqual(roles, ['ok'])
    assert.deepEqual(observed.toSorted(), ['Decrypt ok', ...Array(5).fill('GenerateDataKey ok')])
  })

  test('asks as the broker itself for whoever has no role', async (t) => {
    const { client, sts, kms } = await setup(t)
    await client.generateDataKey(ASK)
    assert.deepEqual([signersOf(sts), signersOf(kms)], [[], ['AKIABROKER']])
  })

  test("narrows the session by the publisher's session policy", async (t) => {
    const { client, sts } = await setup(t)
    const sessionPolicy = '{"Version":"2012-10-17","Statement":[]}'
    await client.generateDataKey({ ...ASK, roleArn: ROLE, grounds: { sessionPolicy } })
    assert.equal(new URLSearchParams(sts.bodies[0]).get('Policy'), sessionPolicy)
  })

  for (const name of ['ExpiredTokenException', 'UnrecognizedClientException']) {
    test(`obtains credentials anew, once, when KMS answers ${name}, and counts each request`, async (t) => {
      const { client, kms, answers, observed, roles } = await setup(t)
      await client.generateDataKey({ ...ASK, roleArn: ROLE })
      answers.kms = (response) => {
        if (kms.seen.length === 2) refuse(response, name)
        else response.end(generated)
      }
      await client.generateDataKey({ ...ASK, roleArn: ROLE })
      assert.deepEqual(signersOf(kms), ['ASIA1', 'ASIA1', 'ASIA2'])
      answers.kms = (response) => refuse(response, name)
      const error = await refusal(client.generateDataKey({ ...ASK, roleArn: ROLE }), 'KMS_CREDENTIALS')
      assert.ok(!error.message.includes('TOKEN'))
      assert.deepEqual(signersOf(kms).slice(3), ['ASIA2', 'ASIA3'])
      // Those that have come just now were refused as well: nothing is held, and nothing tried twice.
      await refusal(client.generateDataKey({ ...ASK, roleArn: ROLE }), 'KMS_CREDENTIALS')
      assert.deepEqual(signersOf(kms).slice(5), ['ASIA4'])
      assert.equal(roles.length, 4)
      assert.equal(observed.length, kms.seen.length)
      assert.equal(observed.filter((outcome) => outcome === 'GenerateDataKey KMS_CREDENTIALS').length, 4)
    })
  }

  test('gives KMS_ACCESS_DENIED when the role does not let the broker in, and asks KMS nothing', async (t) => {
    const { client, kms, answers, observed, roles } = await setup(t)
    answers.sts = (response) => refuseSts(response, 403, 'AccessDenied')
    const error = await refusal(client.generateDataKey({ ...ASK, roleArn: ROLE }), 'KMS_ACCESS_DENIED')
    assert.match(error.message, new RegExp(`^The broker may not assume the role ${ROLE} for ${ASK.principal} \\(`))
    assert.ok(!error.message.includes('broker-role'))
    assert.deepEqual([kms.seen, observed, roles], [[], [], ['KMS_ACCESS_DENIED']])
  })

  test('gives an outage within the deadline of the call when STS hangs, resets, fails or throttles', async (t) => {
    const failures: Readonly<Record<string, (response: ServerResponse) => void>> = {
      hangs: () => {},
      resets: (response) => response.destroy(),
      fails: (response) => refuseSts(response, 500, 'InternalFailure'),
      throttles: (response) => refuseSts(response, 400, 'Throttling'),
      'says nothing of use': (response) => response.end('<html/>'),
    }
    for (const [what, answer] of Object.entries(failures)) {
      const { client, kms, answers } = await setup(t)
      answers.sts = answer
      const startedAt = performance.now()
      await refusal(client.generateDataKey({ ...ASK, roleArn: ROLE }), 'KMS_UNAVAILABLE')
      assert.ok(performance.now() - startedAt < DEADLINE_MS + 400, what)
      assert.deepEqual(kms.seen, [], what)
      // Whoever needs no role is served meanwhile.
      await client.generateDataKey(ASK)
    }
  })

  test('does not speak against KMS when STS took the time of both', async (t) => {
    const { client, answers } = await setup(t)
    answers.sts = (response) => setTimeout(() => response.end(session(1)), DEADLINE_MS * 0.55)
    answers.kms = () => {}
    const error = await refusal(client.generateDataKey({ ...ASK, roleArn: ROLE }), 'KMS_UNAVAILABLE')
    assert.equal(error.constructor.name, 'KmsRoleUnavailableError')
    const silent = await refusal(client.generateDataKey({ ...ASK, roleArn: ROLE }), 'KMS_UNAVAILABLE')
    assert.equal(silent.constructor.name, 'KmsUnavailableError')
  })

  test('sends STS nothing over plain HTTP beyond loopback', async (t) => {
    const { client, kms } = await setup(t, { AWS_ENDPOINT_URL_STS: 'http://sts.invalid' })
    await refusal(client.generateDataKey({ ...ASK, roleArn: ROLE }), 'KMS_INSECURE_ENDPOINT')
    assert.deepEqual(kms.seen, [])
  })

  test('gives KMS_CREDENTIALS when the broker has none to ask STS with', async (t) => {
    const { client, sts, roles } = await setup(t, { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' })
    await refusal(client.generateDataKey({ ...ASK, roleArn: ROLE }), 'KMS_CREDENTIALS')
    assert.deepEqual([sts.seen, roles], [[], ['KMS_CREDENTIALS']])
  })
})

const generated = JSON.stringify({
  KeyId: KEY_ARN,
  Plaintext: Buffer.alloc(32, 5).toString('base64'),
  CiphertextBlob: Buffer.alloc(128, 6).toString('base64'),
})

function session(n: number): string {
  const Expiration = new Date(Date.now() + 3_600_000).toISOString()
  return `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIA${n}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>TOKEN${n}</SessionToken>
<Expiration>${Expiration}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`
}

function refuse(response: ServerResponse, name: string): void {
  response.writeHead(400).end(JSON.stringify({ __type: name, message: 'x-amz-security-token:TOKEN' }))
}

function refuseSts(response: ServerResponse, status: number, code: string): void {
  const content = `<Error><Type>Sender</Type><Code>${code}</Code><Message>User: broker-role</Message></Error>`
  response.writeHead(status, { 'content-type': 'text/xml' })
  response.end(`<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${content}</ErrorResponse>`)
}

function signersOf({ seen }: Awaited<ReturnType<typeof startStandIn>>): (string | undefined)[] {
  return seen.map(({ authorization }) => /Credential=(\w+)/.exec(String(authorization))?.[1])
}

async function refusal(promise: Promise<unknown>, code: string): Promise<Error> {
  const error = await promise.then(
    () => assert.fail('it was served'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof Error && 'code' in error)
  assert.equal(error.code, code, error.message)
  return error
}

/** The SDK reads the environment when it is first used, so it stays set until the test has ended. */
async function setup(t: TestContext, env: Readonly<Record<string, string>> = {}) {
  let sessions = 0
  const answers: Record<'sts' | 'kms', (response: ServerResponse) => unknown> = {
    sts: (response) => response.end(session(++sessions)),
    kms: (response) => response.end(generated),
  }
  const sts = await startStandIn(t, (_request, response) => answers.sts(response))
  const kms = await startStandIn(t, (request, response) => {
    if (request.headers['x-amz-target'] === 'TrentService.Decrypt') response.end(generated)
    else answers.kms(response)
  })
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_STS: sts.url,
    AWS_ENDPOINT_URL_KMS: kms.url,
    AWS_ACCESS_KEY_ID: 'AKIABROKER',
    AWS_SECRET_ACCESS_KEY: 's',
    ...env,
  })
  const observed: string[] = []
  const roles: string[] = []
  const client = createAwsKmsClient({
    observe: ({ operation, outcome }) => observed.push(`${operation} ${outcome}`),
    observeRole: ({ outcome }) => roles.push(outcome),
    connectTimeoutMs: 200,
    deadlineMs: DEADLINE_MS,
  })
  t.after(() => client[Symbol.asyncDispose]())
  return { client, sts, kms, answers, observed, roles }
}
