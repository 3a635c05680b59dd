/** Topic policies through the AWS SDK: other accounts, conditions, permissions that come and go. */

import assert from 'node:assert/strict'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import {
  AddPermissionCommand,
  GetSubscriptionAttributesCommand,
  GetTopicAttributesCommand,
  ListSubscriptionsByTopicCommand,
  PublishBatchCommand,
  RemovePermissionCommand,
  SetTopicAttributesCommand,
  type SNSClient,
  SubscribeCommand,
  UnsubscribeCommand,
} from '@aws-sdk/client-sns'
import { ADMINISTRATOR_ACCESS, addPrincipal } from '#shared/principals'
import { createTopic, publish, snsClient, subscribeAndConfirm, trustStack } from './messaging.ts'
import { type Stack, startStack } from './start-stack.ts'
import { until } from './until.ts'

const THEM = '111111111111'
const PARTNER = `arn:aws:iam::${THEM}:user/partner`
const CLERK = 'arn:aws:iam::000000000000:user/office/clerk'
const ORGANIZATION = 'o-abcdefghij'
const denied = { name: 'AuthorizationErrorException' }

suite('a topic policy', () => {
  let stack: Stack
  let owner: SNSClient
  /** Of another account; may do everything by its own policies. */
  let partner: SNSClient
  /** Of the topics' account; may do nothing by itself. */
  let clerk: SNSClient
  let clerkId: string

  before(async () => {
    stack = await startStack()
    trustStack(stack)
    owner = snsClient(stack)
    const file = join(stack.home, 'principals.json')
    partner = snsClient(stack, await addPrincipal(file, { arn: PARTNER, policies: ADMINISTRATOR_ACCESS }))
    clerk = snsClient(stack, await addPrincipal(file, { arn: CLERK, tags: { Team: 'billing' } }))
    clerkId = await addOrganization(file)
    // In force within a second.
    const topicArn = await createTopic(owner)
    const attributes = new GetTopicAttributesCommand({ TopicArn: topicArn })
    await permit(topicArn, { Principal: { AWS: CLERK }, Action: 'sns:GetTopicAttributes' }, IN_ORGANIZATION)
    await until('the principals are known', () => clerk.send(attributes).then(Boolean, () => false))
  })

  after(async () => {
    for (const client of [owner, partner, clerk]) client.destroy()
    await stack[Symbol.asyncDispose]()
  })

  test('lets another account publish, alone and in batches, as long as it says so', async () => {
    const topicArn = await createTopic(owner)
    await using subscriber = await subscribeAndConfirm(stack, { sns: owner, topicArn })
    const entries = [{ Id: 'a', Message: 'in a batch' }]
    const batch = new PublishBatchCommand({ TopicArn: topicArn, PublishBatchRequestEntries: entries })
    const refusal = {
      ...denied,
      message:
        `User: ${PARTNER} is not authorized to perform: SNS:Publish on resource: ${topicArn} ` +
        'because no resource-based policy allows the SNS:Publish action',
    }
    await assert.rejects(publish(partner, topicArn, 'x'), refusal)
    await assert.rejects(partner.send(batch), refusal)
    const permission = { TopicArn: topicArn, Label: 'partners' }
    await owner.send(new AddPermissionCommand({ ...permission, AWSAccountId: [THEM], ActionName: ['Publish'] }))
    await publish(partner, topicArn, 'alone')
    await partner.send(batch)
    await subscriber.receive('Notification', 2)
    await owner.send(new RemovePermissionCommand(permission))
    await assert.rejects(publish(partner, topicArn, 'x'), refusal)
    await assert.rejects(publish(clerk, topicArn, 'x'), /no identity-based policy allows the SNS:Publish action/)
  })

  test('lets another account subscribe, which then owns the subscription', async () => {
    const topicArn = await createTopic(owner)
    const subscribe = new SubscribeCommand({ TopicArn: topicArn, Protocol: 'https', Endpoint: 'https://localhost:1/' })
    await assert.rejects(partner.send(subscribe), denied)
    await permit(topicArn, { Principal: { AWS: THEM }, Action: ['sns:Subscribe', 'sns:ListSubscriptionsByTopic'] })
    await using subscriber = await subscribeAndConfirm(stack, { sns: partner, topicArn })
    await publish(owner, topicArn, 'to the partner')
    await subscriber.receive('Notification', 1)
    const { Subscriptions: [listed] = [] } = await partner.send(
      new ListSubscriptionsByTopicCommand({ TopicArn: topicArn }),
    )
    const named = { SubscriptionArn: listed?.SubscriptionArn }
    assert.equal(listed?.Owner, THEM)
    const attributes = new GetSubscriptionAttributesCommand(named)
    assert.equal((await partner.send(attributes)).Attributes?.SubscriptionPrincipal, PARTNER)
    await assert.rejects(owner.send(attributes), { ...denied, message: 'Not authorized to access this subscription' })
    await partner.send(new UnsubscribeCommand(named))
    await assert.rejects(partner.send(attributes), denied)
  })

  test('does not tell another account whether there is a topic', async () => {
    const topicArn = await createTopic(owner)
    const messages = await Promise.all(
      [topicArn, `${topicArn}-missing`].map(async (arn) => {
        const error: unknown = await publish(partner, arn, 'x').catch((reason: unknown) => reason)
        assert.ok(error instanceof Error)
        return error.message.replace('-missing', '')
      }),
    )
    assert.equal(messages[0], messages[1])
  })

  const conditions: readonly (readonly [key: string, operator: string, allows: string, refuses: string])[] = [
    ['aws:SourceIp', 'IpAddress', '127.0.0.0/8', '192.0.2.0/24'],
    ['aws:SecureTransport', 'Bool', 'true', 'false'],
    ['aws:PrincipalArn', 'ArnLike', 'arn:aws:iam::000000000000:user/office/*', 'arn:aws:iam::*:user/clerk'],
    ['aws:PrincipalAccount', 'StringEquals', '000000000000', THEM],
    ['aws:PrincipalOrgID', 'StringEquals', ORGANIZATION, 'o-other'],
    ['aws:PrincipalTag/team', 'StringEquals', 'billing', 'sales'],
    ['aws:PrincipalType', 'StringEquals', 'User', 'AssumedRole'],
    ['aws:userid', 'StringEquals', '<user id>', 'AIDAOTHER'],
    ['aws:username', 'StringEquals', 'clerk', 'office/clerk'],
    ['aws:CurrentTime', 'DateGreaterThan', '2020-01-01T00:00:00Z', '2120-01-01T00:00:00Z'],
    ['aws:EpochTime', 'NumericGreaterThan', '1577836800', '4733510400'],
    ['aws:UserAgent', 'StringLike', '*aws-sdk-js*', 'curl*'],
    ['aws:ResourceAccount', 'StringEquals', '000000000000', THEM],
    // What a caller says of itself is not believed: it has no source.
    ['aws:SourceArn', 'Null', 'true', 'false'],
    ['aws:SourceAccount', 'Null', 'true', 'false'],
    ['AWS:SourceOwner', 'Null', 'true', 'false'],
  ]
  for (const [key, operator, allows, refuses] of conditions) {
    test(`with a condition on ${key} allows what meets it and nothing else`, async () => {
      const topicArn = await createTopic(owner)
      const when = (value: string) =>
        permit(
          topicArn,
          { Principal: { AWS: CLERK }, Action: 'sns:Publish' },
          { [operator]: { [key]: value === '<user id>' ? clerkId : value } },
        )
      await when(allows)
      await publish(clerk, topicArn, 'x')
      await when(refuses)
      await assert.rejects(publish(clerk, topicArn, 'x'), denied)
    })
  }

  test('with conditions on sns:Protocol and sns:Endpoint lets nobody subscribe anything else', async () => {
    const topicArn = await createTopic(owner)
    const endpoint = 'https://localhost:1/allowed'
    const subscribe = (Endpoint: string) =>
      clerk.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: Endpoint.split(':')[0], Endpoint }))
    const statement = { Principal: { AWS: CLERK }, Action: 'sns:Subscribe' }
    await permit(topicArn, statement, { StringEquals: { 'sns:Protocol': 'https', 'sns:Endpoint': endpoint } })
    await subscribe(endpoint)
    await assert.rejects(subscribe('https://localhost:1/other'), denied)
    await permit(topicArn, statement, { StringEquals: { 'sns:Protocol': 'http' } })
    await assert.rejects(subscribe(endpoint), denied)
  })

  test('that denies says so, to the topic’s own account', async () => {
    const topicArn = await createTopic(owner)
    await permit(topicArn, { Effect: 'Deny', Principal: '*', Action: 'sns:Publish' })
    await assert.rejects(publish(owner, topicArn, 'x'), /with an explicit deny in a resource-based policy$/)
  })

  const IN_ORGANIZATION = { StringEquals: { 'aws:PrincipalOrgID': ORGANIZATION } }

  /** In force when it returns. */
  function permit(TopicArn: string, statement: object, Condition?: object) {
    const Statement = [{ Effect: 'Allow', ...statement, Resource: TopicArn, ...(Condition && { Condition }) }]
    const AttributeValue = JSON.stringify({ Version: '2012-10-17', Statement })
    return owner.send(new SetTopicAttributesCommand({ TopicArn, AttributeName: 'Policy', AttributeValue }))
  }

  /** @returns the clerk's user id */
  async function addOrganization(file: string): Promise<string> {
    const document = JSON.parse(await readFile(file, 'utf8'))
    document.accounts = { '000000000000': { organizationId: ORGANIZATION } }
    await writeFile(`${file}.new`, JSON.stringify(document), { mode: 0o600 })
    await rename(`${file}.new`, file)
    return document.principals.find(({ arn }: { arn?: string }) => arn === CLERK).userId
  }
})
