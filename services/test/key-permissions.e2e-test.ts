/** Who may publish to a sealed topic: key policies and identity policies of publishers, through the whole stack. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { GetKeyPolicyCommand, type KMSClient, PutKeyPolicyCommand } from '@aws-sdk/client-kms'
import { ListTopicsCommand, SetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns'
import { addPrincipal } from '#shared/principals'
import { failure } from '#shared/test-kms'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  redisCli,
  snsClient,
  subscribeAndConfirm,
  trustStack,
} from './messaging.ts'
import { type Stack, startStack } from './start-stack.ts'
import { until } from './until.ts'

/** A gateway remembers a refusal for 5 s; the rest is for a busy machine. */
const MENDED_WITHIN_MS = 12_000
const ACCOUNT = '000000000000'
const OTHER = '444455556666'

suite('a publisher of a sealed topic', () => {
  let stack: Stack
  let sns: SNSClient
  let kms: KMSClient
  const clients: SNSClient[] = []

  before(async () => {
    stack = await startStack({ env: { SEALCAST_DATA_KEY_REUSE_SECONDS: '2', SEALCAST_KEY_PROBE_MS: '3000' } })
    trustStack(stack)
    sns = snsClient(stack)
    kms = kmsClient(stack)
  })

  after(async () => {
    for (const client of [sns, kms, ...clients]) client.destroy()
    await stack[Symbol.asyncDispose]()
  })

  test('gets KMSAccessDenied without a permission on the key, and with one of the two', async () => {
    const { topicArn, keyArn } = await sealedTopic()
    for (const [actions, missing] of [
      [[], 'kms:GenerateDataKey'],
      [['kms:GenerateDataKey*'], 'kms:Decrypt'],
      [['kms:Decrypt'], 'kms:GenerateDataKey'],
    ] as const) {
      const publisher = await addPublisher(actions.map((action) => ({ action, resource: keyArn })))
      const { name, message } = await failure(publish(publisher.sns, topicArn, 'no'))
      assert.equal(name, 'KMSAccessDeniedException')
      const denied = `User: ${publisher.arn} is not authorized to perform: ${missing} on resource: ${keyArn} because no identity-based policy allows the ${missing} action (Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException; Request ID: `
      assert.ok(message.startsWith(denied), message)
    }
  })

  test('publishes with both on the full key ARN, and not on an alias', async () => {
    const { topicArn, keyArn } = await sealedTopic()
    const aliasArn = keyArn.replace(/:key\/.*/, ':alias/*')
    const named = await addPublisher(BOTH.map((action) => ({ action, resource: keyArn })))
    await publish(named.sns, topicArn, 'yes')
    const byAlias = await addPublisher(BOTH.map((action) => ({ action, resource: aliasArn })))
    assert.equal((await failure(publish(byAlias.sns, topicArn, 'no'))).name, 'KMSAccessDeniedException')
  })

  test('is allowed by a key policy that asks for SNS and the topic, within seconds of its mending', async (t) => {
    const { topicArn, keyArn } = await sealedTopic()
    const publisher = await addPublisher([])
    const allow = (Condition: object) => [
      { Effect: 'Allow', Principal: { AWS: publisher.arn }, Action: BOTH, Resource: '*', Condition },
    ]
    for (const StringEquals of [
      { 'kms:ViaService': 'sqs.us-east-1.amazonaws.com' },
      { 'kms:EncryptionContext:aws:sns:topicArn': topicArn },
      { 'kms:CallerAccount': OTHER },
    ]) {
      // A topic of its own: of another the gateway would remember the refusal and not ask.
      const other = await sealedTopic()
      await putPolicy(other.keyArn, allow({ StringEquals }))
      assert.equal((await failure(publish(publisher.sns, other.topicArn, 'no'))).name, 'KMSAccessDeniedException')
    }
    await putPolicy(keyArn, allow({ StringEquals: { 'kms:ViaService': 'sqs.us-east-1.amazonaws.com' } }))
    assert.equal((await failure(publish(publisher.sns, topicArn, 'not yet'))).name, 'KMSAccessDeniedException')
    const Condition = {
      StringEquals: { 'kms:ViaService': 'sns.us-east-1.amazonaws.com', 'kms:CallerAccount': ACCOUNT },
      ArnEquals: { 'kms:EncryptionContext:AWS:SNS:topicArn': topicArn },
    }
    await putPolicy(keyArn, allow(Condition))
    const mendedAt = performance.now()
    await until(
      'the key policy counts',
      () => publish(publisher.sns, topicArn, 'yes').catch(() => undefined),
      MENDED_WITHIN_MS,
    )
    t.diagnostic(`published ${(performance.now() - mendedAt).toFixed(0)} ms after the key policy was mended`)
  })

  test("uses another account's key by ARN when both sides allow, and not otherwise", async () => {
    const stranger = await addPublisher([{ action: 'kms:*', resource: '*' }], { account: OTHER })
    const bare = await addPublisher([], { account: OTHER })
    const keyArn = await createKey(kms)
    const topicArn = await createTopic(stranger.sns)
    await stranger.sns.send(attribute(topicArn, keyArn))
    assert.equal((await failure(publish(stranger.sns, topicArn, 'no'))).name, 'KMSAccessDeniedException')
    const Principal = { AWS: `arn:aws:iam::${OTHER}:root` }
    await putPolicy(keyArn, [{ Effect: 'Allow', Principal, Action: BOTH, Resource: '*' }])
    assert.equal((await failure(publish(bare.sns, topicArn, 'no'))).name, 'KMSAccessDeniedException')
    await until(
      'both sides allow',
      () => publish(stranger.sns, topicArn, 'yes').catch(() => undefined),
      MENDED_WITHIN_MS,
    )
  })

  test('has its messages held while the key policy denies it, and released when it does not', async () => {
    const { topicArn, keyArn } = await sealedTopic()
    const publisher = await addPublisher(BOTH.map((action) => ({ action, resource: keyArn })))
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    stack.signal('delivery', 'SIGSTOP')
    await publish(publisher.sns, topicArn, 'waits')
    const { Policy } = await kms.send(new GetKeyPolicyCommand({ KeyId: keyArn }))
    await putPolicy(keyArn, [
      { Effect: 'Deny', Principal: { AWS: publisher.arn }, Action: 'kms:Decrypt', Resource: '*' },
    ])
    stack.signal('delivery', 'SIGCONT')
    await until(
      'it is held',
      async () => (await redisCli(stack, '--scan', '--pattern', 'sealcast:*:held:*')).trim() !== '',
    )
    assert.ok(!subscriber.received.some(({ json }) => json.Type === 'Notification'))
    await kms.send(new PutKeyPolicyCommand({ KeyId: keyArn, Policy }))
    await subscriber.receive('Notification', 1, MENDED_WITHIN_MS)
  })

  async function sealedTopic() {
    const keyArn = await createKey(kms)
    const topicArn = await createTopic(sns)
    await sns.send(attribute(topicArn, keyArn))
    return { topicArn, keyArn }
  }

  async function putPolicy(keyArn: string, statements: readonly object[]): Promise<void> {
    const root = { AWS: `arn:aws:iam::${ACCOUNT}:root` }
    const owner = { Effect: 'Allow', Principal: root, Action: 'kms:*', Resource: '*' }
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [owner, ...statements] })
    await kms.send(new PutKeyPolicyCommand({ KeyId: keyArn, Policy }))
  }

  let users = 0
  /** One who may do everything with SNS, and with KMS what is told. */
  async function addPublisher(allowed: readonly { action: string; resource: string }[], { account = ACCOUNT } = {}) {
    const arn = `arn:aws:iam::${account}:user/publisher-${++users}`
    const policy = {
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Action: 'sns:*', Resource: '*' },
        ...allowed.map(({ action, resource }) => ({ Effect: 'Allow', Action: action, Resource: resource })),
      ],
    }
    const credentials = await addPrincipal(join(stack.home, 'principals.json'), {
      arn,
      policies: { publisher: policy },
    })
    const client = new SNSClient({ ...stack.clientConfig, credentials })
    clients.push(client)
    await until('the gateway knows it', () => client.send(new ListTopicsCommand({})).catch(() => undefined))
    return { arn, sns: client }
  }
})

const BOTH = ['kms:GenerateDataKey', 'kms:Decrypt']

function attribute(TopicArn: string, AttributeValue: string): SetTopicAttributesCommand {
  return new SetTopicAttributesCommand({ TopicArn, AttributeName: 'KmsMasterKeyId', AttributeValue })
}
