/**
 * SEALCAST_KMS=aws: stacks without a local KMS of their own, whose AWS KMS is a local KMS elsewhere. The broker
 * is an ordinary user there: it sends nothing that AWS KMS would not know, and gets no trust AWS would not give.
 */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import {
  CreateAliasCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  KMSClient,
  RotateKeyOnDemandCommand,
} from '@aws-sdk/client-kms'
import { PublishBatchCommand, SNSClient } from '@aws-sdk/client-sns'
import { startTestKms, type TestKms } from '#shared/test-kms'
import { createKey, createTopic, publish, readMetrics, redisCli, subscribeAndConfirm, trustStack } from './messaging.ts'
import { startMockKms } from './mock-kms.ts'
import { runSealcast } from './sealcast-command.ts'
import { startService } from './start-service.ts'
import { type Stack, startStack } from './start-stack.ts'
import { until } from './until.ts'

const MOCK_KEY = 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'

suite('a stack with SEALCAST_KMS=aws', () => {
  test('seals and delivers as itself, with a key of its own, by all four forms, and starts no KMS', async () => {
    await using kms = await startTestKms()
    await using stack = await startStack({ env: awsEnv(kms) })
    trustStack(stack)
    const sns = client(stack)
    const admin = adminOf(kms)
    const keyArn = await createKey(admin)
    const id = keyArn.split('/').at(-1) ?? ''
    const alias = `alias/${id}`
    await admin.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: id }))
    const forms = [id, keyArn, alias, keyArn.replace(`key/${id}`, alias)]
    const topicArns = []
    for (const form of forms) topicArns.push(await createTopic(sns, { KmsMasterKeyId: form }))
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArns })
    for (const topicArn of topicArns) {
      await publish(sns, topicArn, `to ${topicArn}`)
      await publish(sns, topicArn, `again to ${topicArn}`)
    }
    const received = await subscriber.receive('Notification', 8)
    assert.deepEqual(
      received.map(({ json }) => json.Message).toSorted(),
      topicArns.flatMap((topicArn) => [`again to ${topicArn}`, `to ${topicArn}`]).toSorted(),
    )

    // Two calls a topic, as with the local KMS: no alias is looked up by a call of its own.
    assert.deepEqual(dataKeyCalls(await kms.served()), { 'GenerateDataKey ok': 4, 'Decrypt ok': 4 })
    const asked = await logged(kms, 8)
    assert.ok(asked.every(({ caller, onBehalfOf }) => caller === kms.user.arn && onBehalfOf === undefined))
    assert.equal(await runDemo(stack, keyArn), 'KMS calls for 10 messages, by the counters of gateway and worker: 2')
    assert.equal(stack.pidOf('kms'), undefined)
    assert.equal(stack.env.AWS_ENDPOINT_URL_KMS, undefined)
    assert.ok(!existsSync(join(stack.home, 'kms', 'keystore.json')))
    assert.match(stack.output(), /kms +AWS KMS/)
    for (const one of [sns, admin]) one.destroy()
  })

  test('has several gateways share a data key: one GenerateDataKey, and a Decrypt for each other process', async () => {
    await using kms = await startTestKms()
    const env = awsEnv(kms)
    await using stack = await startStack({ env })
    await using second = await startService(stack, 'gateway', env)
    await using third = await startService(stack, 'gateway', env)
    trustStack(stack)
    const clients = [stack, second, third].map(({ clientConfig }) => new SNSClient(clientConfig))
    const [sns] = clients as [SNSClient]
    const topicArn = await createTopic(sns, { KmsMasterKeyId: await createKey(adminOf(kms)) })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    const bodies = Array.from({ length: 30 }, (_, n) => `message ${n}`)
    await Promise.all(bodies.map((body, n) => publish(clients[n % 3] ?? sns, topicArn, body)))
    await subscriber.receive('Notification', bodies.length)
    assert.deepEqual(dataKeyCalls(await kms.served()), { 'GenerateDataKey ok': 1, 'Decrypt ok': 3 })
    for (const one of clients) one.destroy()
  })

  test('delivers what was sealed before the key was rotated, and seals with the new material afterwards', async () => {
    await using kms = await startTestKms()
    await using stack = await startStack({ env: { ...awsEnv(kms), SEALCAST_DATA_KEY_REUSE_SECONDS: '1' } })
    trustStack(stack)
    const sns = client(stack)
    const admin = adminOf(kms)
    const keyArn = await createKey(admin)
    const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    // Opened by nobody before the rotation.
    stack.signal('delivery', 'SIGSTOP')
    await publish(sns, topicArn, 'of the first material')
    await admin.send(new RotateKeyOnDemandCommand({ KeyId: keyArn }))
    await sleep(1_100)
    await publish(sns, topicArn, 'of the second material')
    stack.signal('delivery', 'SIGCONT')
    const received = await subscriber.receive('Notification', 2)
    assert.deepEqual(
      received.map(({ json }) => json.Message),
      ['of the first material', 'of the second material'],
    )
    assert.deepEqual(dataKeyCalls(await kms.served()), { 'GenerateDataKey ok': 2, 'Decrypt ok': 2 })
    for (const one of [sns, admin]) one.destroy()
  })

  test('says KMSDisabled while the key is disabled, and goes on when it is enabled again', async () => {
    await using kms = await startTestKms()
    await using stack = await startStack({ env: { ...awsEnv(kms), SEALCAST_DATA_KEY_REUSE_SECONDS: '1' } })
    trustStack(stack)
    const sns = client(stack)
    const admin = adminOf(kms)
    const keyArn = await createKey(admin)
    const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    await publish(sns, topicArn, 'before')
    await subscriber.receive('Notification', 1)
    await admin.send(new DisableKeyCommand({ KeyId: keyArn }))
    // Until the data key at hand is too old.
    await sleep(1_100)
    await assert.rejects(publish(sns, topicArn, 'meanwhile'), { name: 'KMSDisabledException' })
    const entries = [{ Id: '1', Message: 'meanwhile' }]
    await assert.rejects(
      sns.send(new PublishBatchCommand({ TopicArn: topicArn, PublishBatchRequestEntries: entries })),
      {
        name: 'KMSDisabledException',
      },
    )
    await admin.send(new EnableKeyCommand({ KeyId: keyArn }))
    // A refusal is remembered for 5 s.
    await until('the key works again', () => publish(sns, topicArn, 'after').catch(() => undefined))
    const received = await subscriber.receive('Notification', 2)
    assert.deepEqual(
      received.map(({ json }) => json.Message),
      ['before', 'after'],
    )
    for (const one of [sns, admin]) one.destroy()
  })

  test('seals for a publisher whose own policies allow it both calls on the key, and for nobody else', async () => {
    await using kms = await startTestKms()
    await using stack = await startStack({ env: awsEnv(kms) })
    const sns = client(stack)
    const admin = adminOf(kms)
    const keyArn = await createKey(admin)
    const alias = 'alias/publishers'
    await admin.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: keyArn.split('/').at(-1) }))
    const byArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
    const byAlias = await createTopic(sns, { KmsMasterKeyId: alias })
    const open = await createTopic(sns)
    const publisher = await addPublisher(stack, { 'kms:GenerateDataKey*': keyArn })
    const refusal = {
      name: 'KMSAccessDeniedException',
      message: new RegExp(
        `^User: \\S+:user/publisher is not authorized to perform: kms:Decrypt on resource: ${keyArn} because no ` +
          'identity-based policy allows the kms:Decrypt action \\(Service: AWSKMS; Status Code: 400; ',
      ),
    }
    await until('the user is known', () => publish(publisher, open, 'open').catch(() => undefined))
    const before = await kms.served()
    await assert.rejects(publish(publisher, byArn, 'secret'), refusal)
    assert.deepEqual(await kms.served(), before, 'a key named by its ARN is decided about without KMS')
    await assert.rejects(publish(publisher, byAlias, 'secret'), refusal)
    const entries = [{ Id: '1', Message: 'secret' }]
    const batch = publisher.send(new PublishBatchCommand({ TopicArn: byArn, PublishBatchRequestEntries: entries }))
    await assert.rejects(batch, refusal)
    assert.equal(await storedEntries(stack), 1, 'nothing is stored but what was open')
    await putPolicy(stack, { 'kms:GenerateDataKey*': keyArn, 'kms:Decrypt': keyArn })
    for (const topicArn of [byArn, byAlias]) {
      // A refusal is remembered for 5 s.
      await until('the policy counts', () => publish(publisher, topicArn, 'secret').catch(() => undefined), 15_000)
    }
    for (const one of [sns, admin, publisher]) one.destroy()
  })

  test('refuses sealed publishes while it has no credentials, or others than KMS knows, and seals nothing else', async () => {
    await using kms = await startTestKms()
    const keyArn = await createKey(adminOf(kms))
    const unknown = { AWS_ACCESS_KEY_ID: 'AKIAUNKNOWN000000000', AWS_SECRET_ACCESS_KEY: 'x'.repeat(40) }
    for (const credentials of [{}, unknown]) {
      await using stack = await startStack({
        env: { ...nothingOfTheMachine, SEALCAST_KMS: 'aws', AWS_ENDPOINT_URL_KMS: kms.endpoint, ...credentials },
      })
      const sns = client(stack)
      const sealed = await createTopic(sns, { KmsMasterKeyId: keyArn })
      const plain = await createTopic(sns)
      await assert.rejects(publish(sns, sealed, 'secret'), {
        name: 'InternalErrorException',
        message: 'KMS does not accept this server. The message was not accepted; retry later.',
      })
      await publish(sns, plain, 'open')
      assert.equal(await storedEntries(stack), 1, 'nothing but the unsealed message is stored')
      await gatewayLog(stack, /"KMS_CREDENTIALS"/)
      if (!('AWS_ACCESS_KEY_ID' in credentials)) await gatewayLog(stack, /"kms\.no-credentials"/)
      sns.destroy()
    }
  })

  test('refuses sealed publishes when its credentials have expired, and goes on once they are renewed', async () => {
    await using mock = await startMockKms({ keyArn: MOCK_KEY })
    mock.write = scramble
    await using stack = await startStack({ env: { ...mockEnv(mock.url), AWS_SESSION_TOKEN: 'SESSIONTOKEN' } })
    const sns = client(stack)
    const topicArn = await createTopic(sns, { KmsMasterKeyId: MOCK_KEY })
    mock.refusal = { name: 'ExpiredTokenException', message: 'The security token SESSIONTOKEN is expired' }
    await assert.rejects(publish(sns, topicArn, 'too late'), {
      name: 'InternalErrorException',
      message: 'KMS does not accept this server. The message was not accepted; retry later.',
    })
    mock.refusal = undefined
    await publish(sns, topicArn, 'in time')
    assert.ok(!(await gatewayLog(stack, /ExpiredTokenException/)).includes('SESSIONTOKEN'))
    sns.destroy()
  })
})

suite('a KMS whose encrypted data keys hold the key in clear', () => {
  test('is not used: nothing is stored, and it is asked for nothing to find out', async () => {
    await using mock = await startMockKms({ keyArn: MOCK_KEY })
    await using stack = await startStack({ env: mockEnv(mock.url) })
    const sns = client(stack)
    const topicArn = await createTopic(sns, { KmsMasterKeyId: MOCK_KEY })
    const ways: ((plaintext: Buffer) => Buffer)[] = [
      (plaintext) => plaintext,
      (plaintext) => Buffer.concat([Buffer.from('key:'), plaintext, Buffer.alloc(7)]),
      (plaintext) => Buffer.from(plaintext.toString('base64')),
      (plaintext) => Buffer.from(JSON.stringify({ key: plaintext.toString('hex') })),
    ]
    for (const write of ways) {
      mock.write = write
      await assert.rejects(publish(sns, topicArn, 'secret'), {
        name: 'InternalErrorException',
        message: 'KMS gave an answer that does not fit. The message was not accepted.',
      })
    }
    assert.deepEqual(mock.asked, Array(ways.length).fill('GenerateDataKey'))
    assert.equal(await storedEntries(stack), 0)
    for (const page of await readMetrics(stack)) assert.match(page, /^sealcast_kms_unsafe 0$/m)
    await gatewayLog(stack, /holds it in clear/)
    sns.destroy()
  })

  test('is used with SEALCAST_DEV_UNSAFE_KMS=1, with a warning at the start and in a metric', async () => {
    await using mock = await startMockKms({ keyArn: MOCK_KEY })
    await using stack = await startStack({ env: { ...mockEnv(mock.url), SEALCAST_DEV_UNSAFE_KMS: '1' } })
    trustStack(stack)
    const sns = client(stack)
    const topicArn = await createTopic(sns, { KmsMasterKeyId: MOCK_KEY })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    await publish(sns, topicArn, 'not so secret')
    const [notification] = await subscriber.receive('Notification', 1)
    assert.equal(notification?.json.Message, 'not so secret')
    for (const page of await readMetrics(stack)) assert.match(page, /^sealcast_kms_unsafe 1$/m)
    for (const service of ['gateway', 'delivery']) {
      const warning = new RegExp(`^${service} +warn kms\\.unsafe`, 'm')
      await until(`${service} warns`, () => warning.test(stack.output()), 5_000)
    }
    sns.destroy()
  })
})

/** Whatever the machine that runs the test has: no profile, no metadata service. */
const nowhere = join(tmpdir(), 'sealcast-no-such-file')
const nothingOfTheMachine = {
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: nowhere,
  AWS_SHARED_CREDENTIALS_FILE: nowhere,
  AWS_PROFILE: '',
  AWS_ACCESS_KEY_ID: '',
  AWS_SECRET_ACCESS_KEY: '',
  AWS_SESSION_TOKEN: '',
}

function awsEnv(kms: TestKms) {
  return {
    ...nothingOfTheMachine,
    SEALCAST_KMS: 'aws',
    AWS_ENDPOINT_URL_KMS: kms.endpoint,
    AWS_ACCESS_KEY_ID: kms.user.accessKeyId,
    AWS_SECRET_ACCESS_KEY: kms.user.secretAccessKey,
  }
}

function mockEnv(url: string) {
  return {
    ...nothingOfTheMachine,
    SEALCAST_KMS: 'aws',
    AWS_ENDPOINT_URL_KMS: url,
    AWS_ACCESS_KEY_ID: 'AKIABROKER0000000000',
    AWS_SECRET_ACCESS_KEY: 'x'.repeat(40),
  }
}

/** One that is answered once. */
function client(stack: Stack): SNSClient {
  return new SNSClient({ ...stack.clientConfig, maxAttempts: 1 })
}

/** @returns what it says of KMS calls */
async function runDemo(stack: Stack, key: string): Promise<string | undefined> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, '../demo/main.ts')], {
    env: { PATH: process.env.PATH, SEALCAST_HOME: stack.home, SEALCAST_DEMO_KMS_KEY: key },
  })
  return /KMS calls [^(]*\d/.exec(stdout)?.[0]
}

/** A user who may publish everywhere, and do what `kms` says on the keys it says. */
async function addPublisher(stack: Stack, kms: Readonly<Record<string, string>>): Promise<SNSClient> {
  const added = await runSealcast(stack, 'principals', 'add', '--user', 'publisher', '--json')
  assert.equal(added.code, 0, added.errors)
  await putPolicy(stack, kms)
  return new SNSClient({ ...stack.clientConfig, credentials: JSON.parse(added.output), maxAttempts: 1 })
}

async function putPolicy(stack: Stack, kms: Readonly<Record<string, string>>): Promise<void> {
  const file = join(stack.home, 'policy.json')
  const allowed = Object.entries({ 'sns:Publish': '*', ...kms })
  const Statement = allowed.map(([Action, Resource]) => ({ Effect: 'Allow', Action, Resource }))
  writeFileSync(file, JSON.stringify({ Version: '2012-10-17', Statement }))
  const words = ['principals', 'policy', 'put', 'publishing', '--user', 'publisher', '--file', file]
  const { code, errors } = await runSealcast(stack, ...words)
  assert.equal(code, 0, errors)
}

function adminOf(kms: TestKms): KMSClient {
  return new KMSClient({ endpoint: kms.endpoint, region: 'us-east-1', credentials: kms.user })
}

/** Enough to be no longer found in it. */
function scramble(plaintext: Buffer): Buffer {
  return Buffer.from(Buffer.concat([plaintext, Buffer.alloc(96)]).map((byte) => byte ^ 0x5a))
}

function dataKeyCalls(served: Readonly<Record<string, number>>) {
  return Object.fromEntries(Object.entries(served).filter(([name]) => /^(GenerateDataKey|Decrypt)/.test(name)))
}

function logged(kms: TestKms, count: number) {
  return kms.untilLogged((log) => {
    const lines = log.filter(({ operation }) => operation === 'GenerateDataKey' || operation === 'Decrypt')
    return lines.length >= count ? lines : undefined
  })
}

/** Waits until the gateway has written it: its log comes some time after its answers. @returns the whole log */
async function gatewayLog(stack: Stack, expected: RegExp): Promise<string> {
  const file = join(stack.home, 'logs', 'gateway.log')
  const read = () => readFileSync(file, 'utf8')
  await until(`the log has ${expected}`, () => expected.test(read()), 5_000)
  return read()
}

/** Entries in all streams; nobody subscribes, so a worker settles what it has matched. */
async function storedEntries(stack: Stack): Promise<number> {
  const added = []
  for (const key of (await redisCli(stack, '--scan', '--pattern', 'sealcast:{p:*}:stream')).split('\n')) {
    if (key !== '') added.push(/entries-added\n(\d+)/.exec(await redisCli(stack, 'XINFO', 'STREAM', key))?.[1])
  }
  return added.reduce((sum, count) => sum + Number(count ?? 0), 0)
}
