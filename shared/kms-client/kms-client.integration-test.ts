/** The client against the real KMS process. */

import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { CreateAliasCommand, CreateKeyCommand, DisableKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { startTestKms, type TestCredential, type TestKms } from '#shared/test-kms'
import { createKmsClient, type KmsClient, type KmsRequestObserver } from './index.ts'

const TOPIC = 'arn:aws:sns:us-east-1:000000000000:orders'

let kms: TestKms
let other: TestCredential
let admin: KMSClient
const clients: KmsClient[] = []

before(async () => {
  kms = await startTestKms()
  other = await kms.addUser('arn:aws:iam::444455556666:user/other')
  admin = new KMSClient({ endpoint: kms.endpoint, region: 'us-east-1', credentials: kms.user })
})
after(async () => {
  admin.destroy()
  for (const client of clients) await client[Symbol.asyncDispose]()
  await kms[Symbol.asyncDispose]()
})

suite('generateDataKey() and decrypt()', () => {
  test('give the same 32 bytes, each its own copy', async () => {
    const { client, arn, ask } = await setup()
    const { plaintext, encryptedDataKey, keyArn } = await client.generateDataKey({ ...ask, keyId: arn })
    assert.equal(keyArn, arn)
    assert.equal(plaintext.byteLength, 32)
    const opened = await client.decrypt({ ...ask, encryptedDataKey, keyArn })
    assert.deepEqual(opened, plaintext)
    for (const copy of [opened, plaintext]) assert.equal(copy.buffer.byteLength, 32)
  })

  test("take ids and aliases in the topic's account and region", async () => {
    const { client, arn, id, ask } = await setup()
    const alias = `alias/${id}`
    await admin.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: id }))
    for (const keyId of [id, alias, `arn:aws:kms:us-east-1:000000000000:${alias}`]) {
      assert.equal((await client.generateDataKey({ ...ask, keyId })).keyArn, arn)
    }
  })

  test('act in the region of the topic', async () => {
    const { client, ask } = await setup()
    const topicArn = TOPIC.replace('us-east-1', 'eu-west-1')
    const there = new KMSClient({ endpoint: kms.endpoint, region: 'eu-west-1', credentials: kms.user })
    const { KeyMetadata } = await there.send(new CreateKeyCommand({}))
    there.destroy()
    const { keyArn } = await client.generateDataKey({ ...ask, topicArn, keyId: String(KeyMetadata?.KeyId) })
    assert.equal(keyArn, KeyMetadata?.Arn)
  })

  test('bind the data key to the topic', async () => {
    const { client, arn, ask } = await setup()
    const { encryptedDataKey, keyArn } = await client.generateDataKey({ ...ask, keyId: arn })
    await rejects(client.decrypt({ ...ask, encryptedDataKey, keyArn, topicArn: `${TOPIC}2` }), 'KMS_INTEGRITY')
  })

  test('refuse to decrypt with another key than the expected one', async () => {
    const { client, arn, ask } = await setup()
    const { arn: otherArn } = await setup()
    const { encryptedDataKey } = await client.generateDataKey({ ...ask, keyId: arn })
    await rejects(client.decrypt({ ...ask, encryptedDataKey, keyArn: otherArn }), 'KMS_INTEGRITY')
  })

  test('let KMS authorize the publisher, not the broker', async () => {
    const { client, arn, ask, logged } = await setup()
    await client.generateDataKey({ ...ask, keyId: arn })
    const served = await logged('GenerateDataKey')
    assert.equal(served.onBehalfOf, kms.user.arn)
    assert.equal(served.caller, 'arn:aws:iam::000000000000:role/sealcast-broker')
    const error = await rejects(
      client.generateDataKey({ ...ask, principal: other.arn, keyId: arn }),
      'KMS_ACCESS_DENIED',
    )
    assert.match(
      error.message,
      /^User: arn:aws:iam::444455556666:user\/other is not authorized .* \(Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException; Request ID: [0-9a-f-]{36}; Proxy: null\)$/,
    )
  })

  test('are not refused to the broker alone: a user may not speak for another', async () => {
    const { arn, ask } = await setup()
    const client = createClient(kms.endpoint, kms.user)
    await rejects(client.generateDataKey({ ...ask, keyId: arn }), 'KMS_ACCESS_DENIED')
  })

  test('say that a key is disabled, in the words of SNS', async () => {
    const { client, arn, ask } = await setup()
    const { encryptedDataKey } = await client.generateDataKey({ ...ask, keyId: arn })
    await admin.send(new DisableKeyCommand({ KeyId: arn }))
    const error = await rejects(client.generateDataKey({ ...ask, keyId: arn }), 'KMS_DISABLED')
    assert.ok(error.message.startsWith(`${arn} is disabled. (Service: AWSKMS; Status Code: 400; Error Code: Disabled`))
    await rejects(client.decrypt({ ...ask, encryptedDataKey, keyArn: arn }), 'KMS_DISABLED')
  })

  test('say that there is no such key or alias', async () => {
    const { client, ask } = await setup()
    await rejects(client.generateDataKey({ ...ask, keyId: 'alias/none' }), 'KMS_NOT_FOUND')
    await rejects(client.generateDataKey({ ...ask, keyId: 'nonsense' }), 'KMS_NOT_FOUND')
  })

  test('call an altered ciphertext an integrity error', async () => {
    const { client, arn, ask } = await setup()
    const { encryptedDataKey, keyArn } = await client.generateDataKey({ ...ask, keyId: arn })
    encryptedDataKey.writeUInt8(encryptedDataKey.readUInt8(100) ^ 1, 100)
    const error = await rejects(client.decrypt({ ...ask, encryptedDataKey, keyArn }), 'KMS_INTEGRITY')
    assert.match(error.message, /^null \(Service: AWSKMS; .*InvalidCiphertextException/)
  })

  test("tell a refused broker credential from the publisher's faults", async () => {
    const { arn, ask } = await setup()
    const client = createClient(kms.endpoint, { ...kms.broker, secretAccessKey: 'x'.repeat(40) })
    await rejects(client.generateDataKey({ ...ask, keyId: arn }), 'KMS_CREDENTIALS')
  })

  test('are observed once for each request, with purpose, key and outcome, as the KMS counts them', async () => {
    const { client, id, arn, ask, observed } = await setup()
    const before = await kms.served()
    const { encryptedDataKey, keyArn } = await client.generateDataKey({ ...ask, keyId: arn })
    await client.decrypt({ ...ask, encryptedDataKey, keyArn, purpose: 'deliver' })
    await rejects(client.generateDataKey({ ...ask, keyId: 'alias/none' }), 'KMS_NOT_FOUND')
    const alias = `alias/${id}`
    await admin.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: arn }))
    await client.generateDataKey({ ...ask, keyId: alias })
    assert.deepEqual(
      observed.map(({ seconds: _, ...rest }) => rest),
      [
        { operation: 'GenerateDataKey', purpose: 'issue', outcome: 'ok', key: arn },
        { operation: 'Decrypt', purpose: 'deliver', outcome: 'ok', key: arn },
        { operation: 'GenerateDataKey', purpose: 'issue', outcome: 'KMS_NOT_FOUND', key: 'alias/none' },
        { operation: 'GenerateDataKey', purpose: 'issue', outcome: 'ok', key: arn },
      ].map((each) => ({ ...each, topicArn: TOPIC, principal: kms.user.arn })),
    )
    assert.ok(observed.every(({ seconds }) => seconds > 0 && seconds < 10))
    const served = await kms.served()
    const total = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((a, b) => a + b, 0)
    assert.equal(total(served) - total(before), 5)
  })

  test('work for many at once', async () => {
    const { client, arn, ask } = await setup()
    const keys = await Promise.all(Array.from({ length: 100 }, () => client.generateDataKey({ ...ask, keyId: arn })))
    assert.equal(new Set(keys.map(({ plaintext }) => plaintext.toString('hex'))).size, 100)
  })

  test('fail while the KMS is down and work again, on the same client, once it is back', async () => {
    await using own = await startTestKms()
    const client = createClient(own.endpoint, own.broker)
    const ask = { topicArn: TOPIC, principal: own.user.arn, purpose: 'issue' as const }
    await rejects(client.generateDataKey({ ...ask, keyId: 'alias/none' }), 'KMS_NOT_FOUND')
    await own.kill()
    await rejects(client.generateDataKey({ ...ask, keyId: 'alias/none' }), 'KMS_UNAVAILABLE')
    await own.start()
    await rejects(client.generateDataKey({ ...ask, keyId: 'alias/none' }), 'KMS_NOT_FOUND')
  })

  test('fail within the deadline while the KMS is frozen, and work again afterwards', async () => {
    await using own = await startTestKms()
    const client = createKmsClient({ endpoint: own.endpoint, credential: own.broker, observe() {}, deadlineMs: 500 })
    clients.push(client)
    const ask = { topicArn: TOPIC, principal: own.user.arn, purpose: 'issue' as const, keyId: 'alias/none' }
    await rejects(client.generateDataKey(ask), 'KMS_NOT_FOUND')
    own.pause()
    const startedAt = performance.now()
    await rejects(client.generateDataKey(ask), 'KMS_UNAVAILABLE')
    assert.ok(performance.now() - startedAt < 1_000)
    own.resume()
    await rejects(client.generateDataKey(ask), 'KMS_NOT_FOUND')
  })
})

async function rejects(promise: Promise<unknown>, code: string): Promise<Error> {
  const error = await promise.then(
    () => assert.fail('it was served'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof Error && 'code' in error)
  assert.equal(error.code, code, error.message)
  assert.equal(error.cause, undefined)
  return error
}

type Observed = Parameters<KmsRequestObserver>[0]

function createClient(
  endpoint: string,
  credential: { accessKeyId: string; secretAccessKey: string },
  observe: KmsRequestObserver = () => undefined,
): KmsClient {
  const client = createKmsClient({ endpoint, credential, observe })
  clients.push(client)
  return client
}

async function setup() {
  const observed: Observed[] = []
  const client = createClient(kms.endpoint, kms.broker, (request) => observed.push(request))
  const { KeyMetadata } = await admin.send(new CreateKeyCommand({}))
  return {
    client,
    observed,
    id: String(KeyMetadata?.KeyId),
    arn: String(KeyMetadata?.Arn),
    ask: { topicArn: TOPIC, principal: kms.user.arn, purpose: 'issue' as const },
    /** The log's line of a request for the key. */
    logged: (operation: string) =>
      kms.untilLogged((log) => log.find((line) => line.operation === operation && line.keyArn === KeyMetadata?.Arn)),
  }
}
