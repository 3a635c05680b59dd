/** Sessions of roles: AssumeRole by the AWS SDK, and what its credentials are good for. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import type { SNSClient } from '@aws-sdk/client-sns'
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  GetCallerIdentityCommand,
  GetSessionTokenCommand,
  STSClient,
  STSServiceException,
} from '@aws-sdk/client-sts'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  servedByKms,
  snsClient,
  subscribeAndConfirm,
  trustStack,
  untilFinished,
} from './messaging.ts'
import { document, putRole, removeRole } from './roles.ts'
import { type Stack, startStack } from './start-stack.ts'
import { until } from './until.ts'

const ACCOUNT = '000000000000'

suite('sts AssumeRole', () => {
  let stack: Stack
  let sns: SNSClient
  let sts: STSClient

  before(async () => {
    stack = await startStack()
    trustStack(stack)
    sns = snsClient(stack)
    sts = stsClient()
  })

  after(async () => {
    sns.destroy()
    sts.destroy()
    await stack[Symbol.asyncDispose]()
  })

  test('gives credentials whose holder is the session', async () => {
    const RoleArn = putRole(stack, { name: 'team/reader', trusts: { AWS: ACCOUNT }, id: 'AROAREADERREADERREADE' })
    const { AssumedRoleUser: user, Credentials: given } = await assume({ RoleArn, RoleSessionName: 'ada' })
    assert.equal(user?.Arn, `arn:aws:sts::${ACCOUNT}:assumed-role/reader/ada`)
    const lasts = (given?.Expiration?.getTime() ?? 0) - Date.now()
    assert.ok(lasts > 3_590_000 && lasts <= 3_600_000, String(lasts))
    const session = stsClient(credentialsOf(given))
    const identity = await session.send(new GetCallerIdentityCommand({}))
    assert.equal(identity.Arn, user?.Arn)
    assert.equal(identity.UserId, 'AROAREADERREADERREADE:ada')
    assert.equal(identity.Account, ACCOUNT)
    session.destroy()
  })

  test('lets a session publish to topics with a key and without, and ask the local KMS', async () => {
    const kms = kmsClient(stack)
    const KeyId = await createKey(kms)
    const [sealed, plain] = [await createTopic(sns, { KmsMasterKeyId: KeyId }), await createTopic(sns)]
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArns: [sealed, plain] })
    const RoleArn = putRole(stack, { name: 'publisher', trusts: { AWS: ACCOUNT } })
    const credentials = credentialsOf((await assume({ RoleArn, RoleSessionName: 'ada' })).Credentials)
    const publisher = snsClient(stack, credentials)
    await publish(publisher, sealed, 'sealed')
    await publish(publisher, plain, 'plain')
    const received = await subscriber.receive('Notification', 2)
    assert.deepEqual(received.map(({ json }) => json.Message).sort(), ['plain', 'sealed'])
    const own = new KMSClient({ region: 'us-east-1', endpoint: stack.env.AWS_ENDPOINT_URL_KMS ?? '', credentials })
    const { KeyMetadata: key } = await own.send(new DescribeKeyCommand({ KeyId }))
    assert.equal(key?.Arn, KeyId)
    const forged = { ...credentials, sessionToken: credentials.sessionToken.replace(/.{8}$/, 'AAAAAA==') }
    const other = new KMSClient({
      region: 'us-east-1',
      endpoint: stack.env.AWS_ENDPOINT_URL_KMS ?? '',
      credentials: forged,
    })
    await assert.rejects(other.send(new DescribeKeyCommand({ KeyId })), { name: 'UnrecognizedClientException' })
    for (const client of [publisher, own, other, kms]) client.destroy()
  })

  test('makes one data key for two sessions of a role, and another for one with a session policy', async () => {
    const kms = kmsClient(stack)
    const topicArn = await createTopic(sns, { KmsMasterKeyId: await createKey(kms) })
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    const RoleArn = putRole(stack, { name: 'shared', trusts: { AWS: ACCOUNT } })
    const Policy = JSON.stringify(document([{ Effect: 'Allow', Action: ['sns:Publish', 'kms:*'], Resource: '*' }]))
    const generated = async () => (await servedByKms(stack)).GenerateDataKey ?? 0
    const before = await generated()
    for (const [RoleSessionName, made] of [
      ['one', 1],
      ['two', 1],
    ] as const) {
      await publishAs({ RoleArn, RoleSessionName }, topicArn)
      assert.equal((await generated()) - before, made)
    }
    await publishAs({ RoleArn, RoleSessionName: 'one', Policy }, topicArn)
    assert.equal((await generated()) - before, 2)
    await publishAs({ RoleArn, RoleSessionName: 'three', Policy }, topicArn)
    assert.equal((await generated()) - before, 2)
    await subscriber.receive('Notification', 4)
    await untilFinished(stack)
    kms.destroy()
  })

  test('ends the sessions of a role that was removed within a second, and of one made anew under its name', async () => {
    const RoleArn = putRole(stack, { name: 'passing', trusts: { AWS: ACCOUNT } })
    const former = stsClient(credentialsOf((await assume({ RoleArn, RoleSessionName: 'ada' })).Credentials))
    await former.send(new GetCallerIdentityCommand({}))
    const removedAt = performance.now()
    removeRole(stack, RoleArn)
    await refusedAtLast(former, 'InvalidClientTokenId')
    assert.ok(performance.now() - removedAt < 1_000)
    putRole(stack, { name: 'passing', trusts: { AWS: ACCOUNT }, id: 'AROABBBBBBBBBBBBBBBBB' })
    const anew = stsClient(credentialsOf((await assume({ RoleArn, RoleSessionName: 'ada' })).Credentials))
    assert.match((await anew.send(new GetCallerIdentityCommand({}))).UserId ?? '', /^AROAB+:ada$/)
    await assert.rejects(former.send(new GetCallerIdentityCommand({})), { name: 'InvalidClientTokenId' })
    former.destroy()
    anew.destroy()
  })

  test('refuses roles that do not trust the caller, and withheld operations', async () => {
    const RoleArn = putRole(stack, { name: 'closed', trusts: { AWS: `arn:aws:iam::${ACCOUNT}:role/passing` } })
    await assert.rejects(sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'ada' })), (error: Error) => {
      assert.equal(error.name, 'AccessDenied')
      assert.match(
        error.message,
        /^User: arn:aws:iam::000000000000:user\/\S+ is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::000000000000:role\/closed$/,
      )
      return true
    })
    await assert.rejects(sts.send(new GetSessionTokenCommand({})), {
      name: 'InvalidAction',
      message: 'Operation (GetSessionToken) is not supported in this region',
    })
  })

  test('leaves no token and no secret of a session in any log', async () => {
    const RoleArn = putRole(stack, { name: 'secretive', trusts: { AWS: ACCOUNT } })
    const credentials = credentialsOf((await assume({ RoleArn, RoleSessionName: 'ada' })).Credentials)
    const mixed = stsClient({ ...credentials, accessKeyId: 'ASIAAAAAAAAAAAAAAAAA' })
    const refusal: unknown = await mixed.send(new GetCallerIdentityCommand({})).catch((error: unknown) => error)
    mixed.destroy()
    assert.ok(refusal instanceof STSServiceException)
    const { name, $metadata } = refusal
    assert.equal(name, 'InvalidClientTokenId')
    const logs = join(stack.home, 'logs')
    const read = () => readdirSync(logs).map((file) => readFileSync(join(logs, file), 'utf8'))
    const isLogged = () =>
      read()
        .join('\n')
        .includes($metadata.requestId ?? 'no id')
    await until('the last request is logged', isLogged)
    const text = read().join('\n')
    assert.match(text, /AssumeRole/)
    assert.ok(!text.includes(credentials.secretAccessKey))
    assert.ok(!text.includes(credentials.sessionToken.slice(0, 60)))
  })

  function stsClient(credentials = stack.clientConfig.credentials): STSClient {
    return new STSClient({ ...stack.clientConfig, credentials, maxAttempts: 1 })
  }

  /** Asks until the role is in force. */
  async function assume(input: AssumeRoleCommandInput) {
    const deadline = performance.now() + 2_000
    for (;;) {
      try {
        return await sts.send(new AssumeRoleCommand(input))
      } catch (error) {
        if (performance.now() > deadline) throw error
      }
    }
  }

  async function refusedAtLast(client: STSClient, name: string): Promise<void> {
    const deadline = performance.now() + 3_000
    while (performance.now() < deadline) {
      try {
        await client.send(new GetCallerIdentityCommand({}))
      } catch (error) {
        if (error instanceof Error && error.name === name) return
        throw error
      }
    }
    assert.fail('was never refused')
  }

  async function publishAs(input: AssumeRoleCommandInput, topicArn: string): Promise<void> {
    const client = snsClient(stack, credentialsOf((await assume(input)).Credentials))
    await publish(client, topicArn, 'message')
    client.destroy()
  }
})

function credentialsOf(
  given:
    | { AccessKeyId?: string | undefined; SecretAccessKey?: string | undefined; SessionToken?: string | undefined }
    | undefined,
) {
  const {
    AccessKeyId: accessKeyId = '',
    SecretAccessKey: secretAccessKey = '',
    SessionToken: sessionToken = '',
  } = given ?? {}
  return { accessKeyId, secretAccessKey, sessionToken }
}
