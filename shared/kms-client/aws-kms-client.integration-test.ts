/** The client of AWS KMS: credentials and endpoint as the SDK finds them, against the local KMS and stand-ins. */

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, suite, type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { startTestKms, type TestKms } from '#shared/test-kms'
import { createAwsKmsClient } from './index.ts'
import { createSdkClients } from './sdk-clients.ts'
import { clearEnvironment } from './testing/clear-environment.ts'
import { startStandIn } from './testing/stand-in.ts'

const TOPIC = 'arn:aws:sns:us-east-1:999988887777:orders'
const KEY_ARN = 'arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab'
const ASK = { topicArn: TOPIC, principal: 'arn:aws:iam::999988887777:user/ada', purpose: 'issue' as const }

let kms: TestKms
let admin: KMSClient

before(async () => {
  clearEnvironment()
  kms = await startTestKms()
  admin = new KMSClient({ endpoint: kms.endpoint, region: 'us-east-1', credentials: kms.user })
})
afterEach(clearEnvironment)
after(async () => {
  admin.destroy()
  await kms[Symbol.asyncDispose]()
})

suite('createAwsKmsClient()', () => {
  test("asks as the broker itself, in its own account and the topic's region, by all four forms", async (t) => {
    const client = setup(t, { AWS_ENDPOINT_URL_KMS: kms.endpoint, ...envOf(kms.user) })
    const { KeyMetadata } = await admin.send(new CreateKeyCommand({}))
    const { KeyId: id = '', Arn: arn = '' } = KeyMetadata ?? {}
    const alias = `alias/${id}`
    await admin.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: id }))
    for (const keyId of [id, arn, alias, arn.replace(`key/${id}`, alias)]) {
      const { plaintext, encryptedDataKey, keyArn } = await client.generateDataKey({ ...ASK, keyId })
      assert.equal(keyArn, arn)
      assert.deepEqual(await client.decrypt({ ...ASK, encryptedDataKey, keyArn }), plaintext)
    }
    const there = ASK.topicArn.replace('us-east-1', 'eu-west-1')
    await rejects(client.generateDataKey({ ...ASK, topicArn: there, keyId: id }), 'KMS_NOT_FOUND')
    const served = await kms.untilLogged((log) => {
      const calls = log.filter(({ operation }) => operation === 'GenerateDataKey' || operation === 'Decrypt')
      // Four forms, each generated and decrypted, and the one that was refused.
      return calls.length === 9 ? calls : undefined
    })
    assert.ok(served.every(({ caller, onBehalfOf }) => caller === kms.user.arn && onBehalfOf === undefined))
  })

  test('sends no header of ours', async (t) => {
    const { url, seen } = await startStandIn(t, (_request, response) => response.end(answer))
    const client = setup(t, { AWS_ENDPOINT_URL_KMS: url, ...envOf(kms.user) })
    await client.generateDataKey({ ...ASK, keyId: KEY_ARN })
    const names = Object.keys(seen[0] ?? {})
    assert.deepEqual(
      names.filter((name) => !/^(amz-sdk-|x-amz-|authorization|connection|content-|host|user-agent)/.test(name)),
      [],
    )
    assert.ok(!JSON.stringify(seen).includes('user/ada'))
  })

  test('takes credentials of a profile, of a container and of a web identity, and renews what expires', async (t) => {
    const { url, seen } = await startStandIn(t, (_request, response) => response.end(answer))
    const folder = await mkdtemp(join(tmpdir(), 'sealcast-aws-'))
    t.after(() => rm(folder, { recursive: true }))
    const signers = () => seen.map((headers) => /Credential=(\w+)/.exec(String(headers.authorization))?.[1])

    await writeFile(
      join(folder, 'credentials'),
      '[broker]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = s\n',
    )
    const ofProfile = setup(t, {
      AWS_ENDPOINT_URL_KMS: url,
      AWS_PROFILE: 'broker',
      AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
    })
    await ofProfile.generateDataKey({ ...ASK, keyId: KEY_ARN })
    clearEnvironment()

    let issued = 0
    const container = await startStandIn(t, (_request, response) => {
      issued += 1
      const Expiration = new Date(Date.now() + 50).toISOString()
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ AccessKeyId: `ASIA${issued}`, SecretAccessKey: 's', Token: 'token', Expiration }))
    })
    const ofContainer = setup(t, {
      AWS_ENDPOINT_URL_KMS: url,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${container.url}/creds`,
    })
    await ofContainer.generateDataKey({ ...ASK, keyId: KEY_ARN })
    // Until they have expired.
    await setTimeout(60)
    await ofContainer.generateDataKey({ ...ASK, keyId: KEY_ARN })
    clearEnvironment()

    const sts = await startStandIn(t, (_request, response) => {
      response.setHeader('content-type', 'text/xml')
      response.end(assumedRole)
    })
    await writeFile(join(folder, 'token'), 'header.payload.signature')
    const ofWebIdentity = setup(t, {
      AWS_ENDPOINT_URL_KMS: url,
      AWS_ENDPOINT_URL_STS: sts.url,
      AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, 'token'),
      AWS_ROLE_ARN: 'arn:aws:iam::111122223333:role/broker',
    })
    await ofWebIdentity.generateDataKey({ ...ASK, keyId: KEY_ARN })

    const [profile, first, second, webIdentity] = signers()
    assert.deepEqual([profile, webIdentity], ['AKIAPROFILE', 'ASIAWEB'])
    assert.ok(first?.startsWith('ASIA') && second?.startsWith('ASIA') && first !== second, `${first}, ${second}`)
    assert.equal(seen.at(-1)?.['x-amz-security-token'], 'webtoken')
  })

  test('fails without credentials, and asks nobody', async (t) => {
    const { url, seen } = await startStandIn(t, (_request, response) => response.end(answer))
    const client = setup(t, { AWS_ENDPOINT_URL_KMS: url })
    const error = await rejects(client.generateDataKey({ ...ASK, keyId: KEY_ARN }), 'KMS_CREDENTIALS')
    assert.match(error.message, /no AWS credentials could be obtained/)
    await rejects(client.findCredentials(), 'KMS_CREDENTIALS')
    assert.deepEqual(seen, [])
  })

  test('fails when its credentials have expired, without telling what KMS quotes', async (t) => {
    const { url } = await startStandIn(t, (_request, response) => {
      response.writeHead(400).end(JSON.stringify({ __type: 'ExpiredTokenException', message: 'token SESSION' }))
    })
    const client = setup(t, { AWS_ENDPOINT_URL_KMS: url, ...envOf(kms.user), AWS_SESSION_TOKEN: 'SESSION' })
    const error = await rejects(client.generateDataKey({ ...ASK, keyId: KEY_ARN }), 'KMS_CREDENTIALS')
    assert.match(error.message, /ExpiredTokenException/)
    assert.ok(!error.message.includes('SESSION'))
  })

  test('sends nothing over plain HTTP beyond loopback', async (t) => {
    const client = setup(t, { AWS_ENDPOINT_URL_KMS: 'http://kms.invalid', ...envOf(kms.user) })
    await rejects(client.generateDataKey({ ...ASK, keyId: KEY_ARN }), 'KMS_INSECURE_ENDPOINT')
  })

  test('fails for a region that is no part of a host name', async (t) => {
    const client = setup(t, envOf(kms.user))
    const topicArn = TOPIC.replace('us-east-1', 'x.example/#')
    await rejects(client.generateDataKey({ ...ASK, topicArn, keyId: 'alias/a' }), 'KMS_UNAVAILABLE')
  })
})

suite('createSdkClients()', () => {
  test('leaves FIPS to the environment with AWS KMS, and only there', async (t) => {
    Object.assign(process.env, { AWS_USE_FIPS_ENDPOINT: 'true' })
    const patience = { connectTimeoutMs: 1_000, deadlineMs: 4_000 }
    const credential = { accessKeyId: 'a', secretAccessKey: 's' }
    const local = createSdkClients({ access: { kind: 'local', endpoint: kms.endpoint, credential }, ...patience })
    const aws = createSdkClients({ access: { kind: 'aws' }, ...patience })
    t.after(() => {
      for (const clients of [local, aws]) clients.close()
    })
    assert.equal(await local.of('us-east-1').config.useFipsEndpoint(), false)
    assert.equal(await aws.of('us-east-1').config.useFipsEndpoint(), true)
    assert.equal(await aws.of('us-east-1').config.maxAttempts(), 2)
  })
})

const answer = JSON.stringify({
  KeyId: KEY_ARN,
  Plaintext: Buffer.alloc(32, 5).toString('base64'),
  CiphertextBlob: Buffer.alloc(128, 6).toString('base64'),
})

const assumedRole = `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIAWEB</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
<SessionToken>webtoken</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`

async function rejects(promise: Promise<unknown>, code: string): Promise<Error> {
  const error = await promise.then(
    () => assert.fail('it was served'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof Error && 'code' in error)
  assert.equal(error.code, code, error.message)
  return error
}

function envOf({ accessKeyId, secretAccessKey }: { accessKeyId: string; secretAccessKey: string }) {
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
}

/** The SDK reads the environment when it is first used, so it stays set until the test has ended. */
function setup(t: TestContext, env: Readonly<Record<string, string>>) {
  Object.assign(process.env, env)
  const client = createAwsKmsClient({ observe: () => {}, connectTimeoutMs: 200, deadlineMs: 2_000 })
  t.after(() => client[Symbol.asyncDispose]())
  return client
}
