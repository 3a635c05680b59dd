/**
 * Publishers with a role for KMS: one stack plays AWS, with STS, KMS, users and roles; another has SEALCAST_KMS=aws and
 * is the broker, an ordinary user there that may assume roles and open data keys, and nothing else.
 */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { type KMSClient, PutKeyPolicyCommand } from '@aws-sdk/client-kms'
import { SNSClient } from '@aws-sdk/client-sns'
import { addPrincipal } from '#shared/principals'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  readMetrics,
  servedByKms,
  snsClient,
  subscribeAndConfirm,
  trustStack,
} from './messaging.ts'
import { readLog } from './read-log.ts'
import { document, putRole, removeRole } from './roles.ts'
import { startService } from './start-service.ts'
import { type Stack, startStack } from './start-stack.ts'
import { until } from './until.ts'

const REUSE_SECONDS = 5
const BROKER = 'arn:aws:iam::000000000000:user/broker'
const BOTH = ['kms:GenerateDataKey', 'kms:Decrypt']

suite('a publisher with a role for AWS KMS', () => {
  let aws: Stack
  let stack: Stack
  let env: Record<string, string>
  let sns: SNSClient
  let kms: KMSClient
  const clients: SNSClient[] = []

  before(async () => {
    aws = await startStack()
    const broker = await addPrincipal(join(aws.home, 'principals.json'), {
      arn: BROKER,
      policies: { own: document([{ Effect: 'Allow', Action: ['sts:AssumeRole', 'kms:Decrypt'], Resource: '*' }]) },
    })
    // In force by the time that the other stack is up.
    for (const name of ['allowed', 'shared', 'powerless', 'passing']) addRole(name, BROKER)
    addRole('closed', `${BROKER}-of-others`)
    env = {
      SEALCAST_KMS: 'aws',
      SEALCAST_DATA_KEY_REUSE_SECONDS: String(REUSE_SECONDS),
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_ENDPOINT_URL_KMS: aws.env.AWS_ENDPOINT_URL_KMS ?? '',
      AWS_ENDPOINT_URL_STS: aws.env.AWS_ENDPOINT_URL_STS ?? '',
      AWS_ACCESS_KEY_ID: broker.accessKeyId,
      AWS_SECRET_ACCESS_KEY: broker.secretAccessKey,
      NODE_EXTRA_CA_CERTS: join(aws.home, 'ca.pem'),
    }
    stack = await startStack({ env })
    trustStack(stack)
    sns = snsClient(stack)
    kms = kmsClient(aws)
  })

  after(async () => {
    for (const client of [sns, kms, ...clients]) client?.destroy()
    await stack?.[Symbol.asyncDispose]()
    await aws[Symbol.asyncDispose]()
  })

  test('publishes without any permission of its own: KMS decides about the role, and sees its session', async () => {
    const roleArn = roleNamed('allowed')
    const { topicArn } = await sealedTopic(roleArn)
    const publisher = await addPublisher('ada', roleArn)
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    const before = await servedByKms(aws)
    await publishAtLast(publisher, topicArn)
    await publish(publisher, topicArn, 'again')
    await subscriber.receive('Notification', 2)
    const served = await servedByKms(aws)
    assert.deepEqual(
      ['GenerateDataKey', 'Decrypt'].map((name) => (served[name] ?? 0) - (before[name] ?? 0)),
      [1, 1],
    )
    assert.deepEqual(await callersOf(topicArn, 2), {
      GenerateDataKey: ['arn:aws:sts::000000000000:assumed-role/allowed/sealcast-000000000000-user.ada'],
      Decrypt: [BROKER],
    })
    const pages = (await readMetrics(stack)).join('\n')
    assert.match(pages, /^sealcast_sts_calls_total\{outcome="ok"\} 1$/m)
    assert.match(
      pages,
      /^sealcast_kms_requests_total\{operation="GenerateDataKey",outcome="ok",purpose="issue",key="arn:[^"]+"\} 1$/m,
    )
  })

  test('shares its data key over two gateways, which open it in the role as well', async () => {
    const roleArn = roleNamed('shared')
    const { topicArn } = await sealedTopic(roleArn)
    await using second = await startService(stack, 'gateway', env)
    const publisher = await addPublisher('bob', roleArn)
    const { clientConfig } = second
    const there = new SNSClient({ ...clientConfig, credentials: publisher.config.credentials, maxAttempts: 1 })
    clients.push(there)
    const clear = await createTopic(sns)
    for (const client of [publisher, there]) await publishAtLast(client, clear)
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    await publishAtLast(publisher, topicArn)
    await publish(there, topicArn, 'there')
    await subscriber.receive('Notification', 2)
    const session = 'arn:aws:sts::000000000000:assumed-role/shared/sealcast-000000000000-user.bob'
    assert.deepEqual(await callersOf(topicArn, 3), { GenerateDataKey: [session], Decrypt: [BROKER, session] })
  })

  test('is refused by KMS when the role may not use the key, whatever its own policies say', async () => {
    const roleArn = roleNamed('powerless')
    const { topicArn, keyArn } = await sealedTopic(undefined)
    const publisher = await addPublisher('carol', roleArn, BOTH)
    const { name, message } = await refusalAtLast(publisher, topicArn)
    assert.equal(name, 'KMSAccessDeniedException')
    assert.match(
      message,
      /^User: arn:aws:sts::0{12}:assumed-role\/powerless\/sealcast-0{12}-user\.carol is not authorized/,
    )
    assert.ok(message.includes(`kms:GenerateDataKey on resource: ${keyArn} `), message)
  })

  test('is refused when the role does not trust the broker, and KMS is not asked', async () => {
    const roleArn = roleNamed('closed')
    const { topicArn } = await sealedTopic(roleArn)
    const publisher = await addPublisher('dave', roleArn)
    const before = await servedByKms(aws)
    const { name, message } = await refusalAtLast(publisher, topicArn)
    assert.equal(name, 'KMSAccessDeniedException')
    const text = `The broker may not assume the role ${roleArn} for arn:aws:iam::000000000000:user/dave (Service: AWSSecurityTokenService; Status Code: 403; Error Code: AccessDenied; `
    assert.ok(message.startsWith(text), message)
    assert.deepEqual(await servedByKms(aws), before)
  })

  test('is refused once the role is removed, though the broker still holds credentials of it', async () => {
    const roleArn = roleNamed('passing')
    const { topicArn } = await sealedTopic(roleArn)
    const publisher = await addPublisher('erin', roleArn)
    await publishAtLast(publisher, topicArn)
    removeRole(aws, roleArn)
    const { name, message } = await until('it is refused', () => refusalOf(publisher, topicArn), 4_000 * REUSE_SECONDS)
    assert.equal(name, 'KMSAccessDeniedException')
    assert.match(message, /^The broker may not assume the role /)
  })

  function addRole(name: string, trusted: string): void {
    putRole(aws, { name, trusts: { AWS: trusted }, may: NOTHING_OF_KMS })
  }

  /** @param roleArn whom the key's policy lets use it, besides its account by identity policies */
  async function sealedTopic(roleArn: string | undefined): Promise<{ topicArn: string; keyArn: string }> {
    const keyArn = await createKey(kms)
    const Principal = { AWS: 'arn:aws:iam::000000000000:root' }
    const statements = [{ Effect: 'Allow', Principal, Action: 'kms:*', Resource: '*' }]
    const ofRole = roleArn && [{ Effect: 'Allow', Principal: { AWS: roleArn }, Action: BOTH, Resource: '*' }]
    const Policy = JSON.stringify(document([...statements, ...(ofRole || [])]))
    await kms.send(new PutKeyPolicyCommand({ KeyId: keyArn, Policy }))
    return { topicArn: await createTopic(sns, { KmsMasterKeyId: keyArn }), keyArn }
  }

  /** A user of the broker who may publish, and nothing of KMS unless told. */
  async function addPublisher(name: string, kmsRoleArn: string, kmsActions: readonly string[] = []) {
    const credentials = await addPrincipal(join(stack.home, 'principals.json'), {
      arn: `arn:aws:iam::000000000000:user/${name}`,
      policies: { own: document([{ Effect: 'Allow', Action: ['sns:Publish', ...kmsActions], Resource: '*' }]) },
      kmsRoleArn,
    })
    const client = new SNSClient({ ...stack.clientConfig, credentials, maxAttempts: 1 })
    clients.push(client)
    return client
  }

  /** Who asked KMS for data keys of a topic, by KMS's own log. */
  async function callersOf(topicArn: string, calls: number): Promise<Record<string, string[]>> {
    const read = () =>
      readLog(aws, 'kms')
        .filter((line) => line.includes(topicArn) && /"operation":"(GenerateDataKey|Decrypt)"/.test(line))
        .map((line): { operation: string; caller: string } => JSON.parse(line))
    const lines = await until('KMS has logged it', () => (read().length >= calls ? read() : undefined), 10_000)
    const of = (name: string) =>
      lines
        .filter(({ operation }) => operation === name)
        .map(({ caller }) => caller)
        .toSorted()
    return { GenerateDataKey: of('GenerateDataKey'), Decrypt: of('Decrypt') }
  }
})

const NOTHING_OF_KMS = [{ Effect: 'Allow', Action: 'sns:Publish', Resource: '*' }]

function roleNamed(name: string): string {
  return `arn:aws:iam::000000000000:role/${name}`
}

/** A gateway reads a new principal within a second. */
async function publishAtLast(client: SNSClient, topicArn: string): Promise<void> {
  await until('the publisher is known', async () => {
    const refusal = await refusalOf(client, topicArn)
    if (refusal !== undefined && !isUnknown(refusal)) throw refusal
    return refusal === undefined
  })
}

async function refusalAtLast(client: SNSClient, topicArn: string): Promise<Error> {
  return await until('the publisher is known', async () => {
    const refusal = await refusalOf(client, topicArn)
    assert.ok(refusal !== undefined, 'was not refused')
    return isUnknown(refusal) ? undefined : refusal
  })
}

async function refusalOf(client: SNSClient, topicArn: string): Promise<Error | undefined> {
  return await publish(client, topicArn, 'message').then(
    () => undefined,
    (error: Error) => error,
  )
}

function isUnknown({ name }: Error): boolean {
  return name.startsWith('InvalidClientTokenId')
}
