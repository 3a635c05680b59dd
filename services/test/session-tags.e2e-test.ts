/** Tags and source identity of sessions, in topic policies and, through SNS, in key policies; and the secrets of their tokens. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { type KMSClient, PutKeyPolicyCommand } from '@aws-sdk/client-kms'
import { SetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns'
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  GetCallerIdentityCommand,
  STSClient,
} from '@aws-sdk/client-sts'
import { failure } from '#shared/test-kms'
import { createKey, createTopic, kmsClient, publish, snsClient, subscribeAndConfirm, trustStack } from './messaging.ts'
import { putRole } from './roles.ts'
import { type StartedService, startService } from './start-service.ts'
import { type Stack, startStack } from './start-stack.ts'
import { until } from './until.ts'

const ACCOUNT = '000000000000'
const ROOT = { AWS: `arn:aws:iam::${ACCOUNT}:root` }
const ORDERS = [{ Key: 'Team', Value: 'orders' }]
const BILLING = [{ Key: 'Team', Value: 'billing' }]

suite('tags of a session', () => {
  let stack: Stack
  let second: StartedService
  let sns: SNSClient
  let kms: KMSClient
  const clients: { destroy(): void }[] = []

  before(async () => {
    stack = await startStack()
    trustStack(stack)
    second = await startService(stack, 'gateway')
    sns = snsClient(stack)
    kms = kmsClient(stack)
  })

  after(async () => {
    for (const client of [sns, kms, ...clients]) client.destroy()
    await second[Symbol.asyncDispose]()
    await stack[Symbol.asyncDispose]()
  })

  test('are what topic policies ask for with aws:PrincipalTag, handed on from role to role too', async () => {
    const topicArn = await createTopic(sns)
    const first = putRole(stack, { name: 'first', trusts: ROOT, may: allow('sts:*') })
    const next = putRole(stack, { name: 'next', trusts: { AWS: first }, may: allow('sns:ListTopics') })
    const Condition = { StringEquals: { 'aws:PrincipalTag/team': 'orders' } }
    const publishers = { Effect: 'Allow', Principal: { AWS: [first, next] }, Action: 'sns:Publish', Resource: topicArn }
    await sns.send(
      new SetTopicAttributesCommand({
        TopicArn: topicArn,
        AttributeName: 'Policy',
        AttributeValue: document({ ...publishers, Condition }),
      }),
    )
    const mayPublish = async (credentials: Credentials) =>
      publish(clientOf(credentials), topicArn, 'tagged').then(
        () => true,
        ({ name }) => {
          assert.equal(name, 'AuthorizationErrorException')
          return false
        },
      )
    const tagged = await assume({ RoleArn: first, Tags: ORDERS, TransitiveTagKeys: ['Team'] })
    assert.equal(await mayPublish(tagged), true)
    assert.equal(await mayPublish(await assume({ RoleArn: first, Tags: BILLING })), false)
    assert.equal(await mayPublish(await assume({ RoleArn: first })), false)
    // The other role's session has the tag by way of the first one's, when that hands it on.
    assert.equal(await mayPublish(await assume({ RoleArn: next }, tagged)), true)
    const keeping = await assume({ RoleArn: first, Tags: ORDERS })
    assert.equal(await mayPublish(await assume({ RoleArn: next }, keeping)), false)
    const changing = new AssumeRoleCommand({ RoleArn: next, RoleSessionName: 'ada', Tags: BILLING })
    assert.equal((await failure(stsOf(tagged).send(changing))).name, 'InvalidParameterValue')
  })

  test('and its source identity decide in key policies, and a second gateway asks with them too', async () => {
    const keyArn = await createKey(kms)
    const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
    const RoleArn = putRole(stack, { name: 'sealing', trusts: ROOT, may: allow('sns:*') })
    const named = { Principal: { AWS: RoleArn }, Action: ['kms:GenerateDataKey', 'kms:Decrypt'], Resource: '*' }
    const StringEquals = { 'aws:PrincipalTag/team': 'orders', 'aws:SourceIdentity': 'ada' }
    await until('the role is known', () => assume({ RoleArn }))
    const Policy = document(
      { Effect: 'Allow', Principal: ROOT, Action: 'kms:*', Resource: '*' },
      { ...named, Effect: 'Allow', Condition: { StringEquals } },
    )
    await kms.send(new PutKeyPolicyCommand({ KeyId: keyArn, Policy }))
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    const right = await assume({ RoleArn, Tags: ORDERS, SourceIdentity: 'ada' })
    await publish(clientOf(right), topicArn, 'by the first')
    await publish(clientOf(right, second.clientConfig), topicArn, 'by the second')
    for (const wrong of [
      { Tags: ORDERS },
      { SourceIdentity: 'ada' },
      { Tags: BILLING, SourceIdentity: 'ada' },
      { Tags: ORDERS, SourceIdentity: 'eve' },
    ]) {
      const refused = publish(clientOf(await assume({ RoleArn, ...wrong })), topicArn, 'no')
      assert.equal((await failure(refused)).name, 'KMSAccessDeniedException')
    }
    // A worker knows neither, and opens what was accepted.
    const received = await subscriber.receive('Notification', 2)
    assert.deepEqual(received.map(({ json }) => json.Message).sort(), ['by the first', 'by the second'])
  })

  test('are sealed under a secret that can be rotated: sessions live as long as it is in the ring', async () => {
    const RoleArn = putRole(stack, { name: 'rotating', trusts: ROOT, may: allow('sns:*') })
    const before = await assume({ RoleArn })
    const file = join(stack.home, 'secrets', 'sts.json')
    const old = JSON.parse(readFileSync(file, 'utf8'))
    const id = randomBytes(4).toString('hex')
    const added = { current: id, secrets: { [id]: randomBytes(32).toString('base64') } }
    const write = (ring: object) => writeFileSync(file, JSON.stringify(ring), { mode: 0o600 })
    const whoIs = (credentials: Credentials, gateway: StartedService) =>
      stsOf(credentials, gateway.clientConfig).send(new GetCallerIdentityCommand({}))
    const invalid = { name: 'InvalidClientTokenId' }

    write({ current: added.current, secrets: { ...old.secrets, ...added.secrets } })
    await using both = await startService(stack, 'gateway')
    await whoIs(before, both)
    const since = await assume({ RoleArn }, undefined, both.clientConfig)
    await whoIs(since, both)
    // One that was not restarted has the ring it started with.
    await assert.rejects(whoIs(since, second), invalid)

    write(added)
    await using without = await startService(stack, 'gateway')
    await whoIs(since, without)
    await assert.rejects(whoIs(before, without), invalid)
    await whoIs(before, both)
    write(old)
  })

  function stsOf(credentials: Credentials, config: Stack['clientConfig'] = stack.clientConfig): STSClient {
    const client = new STSClient({ ...config, credentials, maxAttempts: 1 })
    clients.push(client)
    return client
  }

  function clientOf(credentials: Credentials, config: Stack['clientConfig'] = stack.clientConfig): SNSClient {
    const client = new SNSClient({ ...config, credentials, maxAttempts: 1 })
    clients.push(client)
    return client
  }

  /** Asks until the role is in force. */
  async function assume(
    input: Partial<AssumeRoleCommandInput>,
    by: Credentials = stack.clientConfig.credentials,
    config?: Stack['clientConfig'],
  ): Promise<Credentials> {
    const command = new AssumeRoleCommand({ RoleSessionName: 'ada', RoleArn: undefined, ...input })
    const { Credentials: given } = await until(
      'the role may be assumed',
      () =>
        stsOf(by, config)
          .send(command)
          .catch(() => undefined),
      5_000,
    )
    return {
      accessKeyId: given?.AccessKeyId ?? '',
      secretAccessKey: given?.SecretAccessKey ?? '',
      sessionToken: given?.SessionToken ?? '',
    }
  }
})

type Credentials = { accessKeyId: string; secretAccessKey: string; sessionToken?: string }

function allow(Action: string): readonly object[] {
  return [{ Effect: 'Allow', Action, Resource: '*' }]
}

function document(...Statement: object[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement })
}
