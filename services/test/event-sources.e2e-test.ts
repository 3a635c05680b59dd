/**
 * A service publishes events of its customers to sealed topics: as topic policy and key policy say, for the sources that they
 * name, and never for anybody else's.
 */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { CreateKeyCommand } from '@aws-sdk/client-kms'
import { CreateTopicCommand, ListTopicsCommand, SetTopicAttributesCommand, type SNSClient } from '@aws-sdk/client-sns'
import { addService } from '#shared/principals'
import { createTopic, kmsClient, publish, snsClient, subscribeAndConfirm, trustStack } from './messaging.ts'
import { type Stack, startStack } from './start-stack.ts'
import { until } from './until.ts'

const SERVICE = 's3.amazonaws.com'
const ACCOUNT = '000000000000'
const BUCKET = 'arn:aws:s3:::pictures'
const OURS: Source = { arn: BUCKET, account: ACCOUNT }
/** Buckets are named by whoever comes first: that of another account, and one that it took over by its name. */
const FOREIGN: Source = { arn: 'arn:aws:s3:::others', account: '999988887777' }
const CONDITION = { ArnEquals: { 'aws:SourceArn': BUCKET }, StringEquals: { 'aws:SourceAccount': ACCOUNT } }

interface Source {
  readonly arn?: string
  readonly account?: string
}

suite('a service principal', () => {
  let stack: Stack
  let admin: SNSClient
  let publishAs: (source: Source, topicArn: string) => Promise<string>

  before(async () => {
    stack = await startStack()
    trustStack(stack)
    admin = snsClient(stack)
    const credentials = await addService(join(stack.home, 'principals.json'), { service: SERVICE })
    publishAs = async (source, topicArn) => {
      const sns = snsClient(stack, credentials)
      nameSource(sns, source)
      return await publish(sns, topicArn, 'an event').finally(() => sns.destroy())
    }
    const probe = await createTopic(admin)
    await allow(probe, undefined)
    await until('the service is known', async () => await publishAs({}, probe).then(Boolean, () => false))
  })

  after(async () => {
    admin.destroy()
    await stack[Symbol.asyncDispose]()
  })

  test('publishes to a sealed topic where topic policy and key policy name it and its source, and is delivered', async () => {
    const topicArn = await createTopic(admin, { KmsMasterKeyId: await createServiceKey(CONDITION) })
    await allow(topicArn, CONDITION)
    await using subscriber = await subscribeAndConfirm(stack, { sns: admin, topicArn })
    await publishAs(OURS, topicArn)
    const [received] = await subscriber.receive('Notification', 1)
    assert.equal(received?.json.Message, 'an event')
  })

  test('is refused by SNS where the topic policy does not name it, but for what the default policy lets the owner do', async () => {
    const topicArn = await createTopic(admin, { KmsMasterKeyId: await createServiceKey(undefined) })
    for (const source of [FOREIGN, { arn: BUCKET }, {}]) {
      await assert.rejects(publishAs(source, topicArn), { name: 'AuthorizationErrorException' })
    }
    // AWS:SourceOwner, as for alarms and rules of the topic's own account.
    await publishAs(OURS, topicArn)
  })

  test('is refused by KMS where the key policy does not name it', async () => {
    const kms = kmsClient(stack)
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({})).finally(() => kms.destroy())
    const topicArn = await createTopic(admin, { KmsMasterKeyId: KeyMetadata?.Arn ?? '' })
    await allow(topicArn, undefined)
    await assert.rejects(publishAs(OURS, topicArn), { name: 'KMSAccessDeniedException' })
  })

  for (const [what, source] of [
    ["another account's bucket", FOREIGN],
    ['our bucket in the name of another account', { ...OURS, account: FOREIGN.account }],
    ['another bucket in our name', { ...OURS, arn: FOREIGN.arn }],
    ['a bucket without an account', { arn: BUCKET }],
    ['an account without a bucket', { account: ACCOUNT }],
    ['nobody', {}],
  ] as [string, Source][]) {
    test(`acting for ${what} is refused by the topic, and by the key of a topic that is open to it`, async () => {
      const topicArn = await createTopic(admin)
      await allow(topicArn, CONDITION)
      await assert.rejects(publishAs(source, topicArn), { name: 'AuthorizationErrorException' })
      const sealed = await createTopic(admin, { KmsMasterKeyId: await createServiceKey(CONDITION) })
      await allow(sealed, undefined)
      // The data key that one source obtained is held by now, and is not for another.
      await publishAs(OURS, sealed)
      await assert.rejects(publishAs(source, sealed), { name: 'KMSAccessDeniedException' })
    })
  }

  test('publishes for every source where no condition is set', async () => {
    const topicArn = await createTopic(admin, { KmsMasterKeyId: await createServiceKey(undefined) })
    await allow(topicArn, undefined)
    for (const source of [OURS, FOREIGN, {}]) await publishAs(source, topicArn)
  })

  test('may do nothing that a topic policy cannot let it do', async () => {
    const credentials = await addService(join(stack.home, 'principals.json'), { service: 'events.amazonaws.com' })
    const sns = snsClient(stack, credentials)
    await until('the service is known', () =>
      sns.send(new ListTopicsCommand({})).then(
        () => true,
        (error: Error) => error.name !== 'InvalidClientTokenId',
      ),
    )
    for (const command of [new ListTopicsCommand({}), new CreateTopicCommand({ Name: 'of-a-service' })]) {
      await assert.rejects(sns.send(command as ListTopicsCommand), { name: 'AuthorizationErrorException' })
    }
    sns.destroy()
  })

  test('cannot be played by a user, whose headers count for nothing', async () => {
    const topicArn = await createTopic(admin)
    const Policy = policyOf(topicArn, {
      Effect: 'Deny',
      Principal: '*',
      Action: 'SNS:Publish',
      Condition: { Null: { 'aws:SourceArn': 'true' } },
    })
    await admin.send(
      new SetTopicAttributesCommand({ TopicArn: topicArn, AttributeName: 'Policy', AttributeValue: Policy }),
    )
    const user = snsClient(stack)
    nameSource(user, OURS)
    await assert.rejects(publish(user, topicArn, 'x'), { name: 'AuthorizationErrorException' })
    user.destroy()
  })

  test('is refused when it says nonsense of its source', async () => {
    const topicArn = await createTopic(admin)
    await allow(topicArn, undefined)
    for (const source of [{ arn: 'arn:aws:s3:::*' }, { account: '1' }, { ...OURS, account: '*' }]) {
      await assert.rejects(publishAs(source, topicArn), { name: 'InvalidParameterException' })
    }
  })

  function policyOf(topicArn: string, statement: object): string {
    return JSON.stringify({ Version: '2012-10-17', Statement: [{ Sid: 's', Resource: topicArn, ...statement }] })
  }

  async function allow(topicArn: string, Condition: object | undefined): Promise<void> {
    const Policy = policyOf(topicArn, {
      Effect: 'Allow',
      Principal: { Service: SERVICE },
      Action: 'SNS:Publish',
      Condition,
    })
    await admin.send(
      new SetTopicAttributesCommand({ TopicArn: topicArn, AttributeName: 'Policy', AttributeValue: Policy }),
    )
  }

  async function createServiceKey(Condition: object | undefined): Promise<string> {
    const kms = kmsClient(stack)
    const account = { AWS: `arn:aws:iam::${ACCOUNT}:root` }
    const Action = ['kms:GenerateDataKey*', 'kms:Decrypt']
    const Statement = [
      { Effect: 'Allow', Principal: account, Action: 'kms:*', Resource: '*' },
      { Effect: 'Allow', Principal: { Service: SERVICE }, Action, Resource: '*', Condition },
    ]
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement })
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({ Policy })).finally(() => kms.destroy())
    return KeyMetadata?.Arn ?? ''
  }
})

/** As AWS's own services do: the headers are there before the request is signed. */
function nameSource(sns: SNSClient, { arn, account }: Source): void {
  const headers = {
    ...(arn === undefined ? {} : { 'x-amz-source-arn': arn }),
    ...(account === undefined ? {} : { 'x-amz-source-account': account }),
  }
  sns.middlewareStack.add(
    (next) => (args) => {
      Object.assign((args.request as { headers: object }).headers, headers)
      return next(args)
    },
    { step: 'build', name: 'source' },
  )
}
