/** What SNS would act on and this broker does not yet: refused with InvalidParameter, never stored, never dropped. */

import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { type Expected, type HostileClient, MARK, startHostileClient } from './hostile-client.ts'

type Pair = readonly [name: string, value: string]
type Row = readonly [what: string, parameters: Readonly<Record<string, string>>]

const invalidParameter: Expected = { status: 400, code: 'InvalidParameter' }

suite('what is not supported yet', () => {
  let client: HostileClient

  before(async () => {
    client = await startHostileClient()
  })

  after(async () => {
    await client[Symbol.asyncDispose]()
  })

  test('is refused as an attribute of a topic, new or not', async () => {
    await refuseAll(
      topicAttributes().flatMap(([name, value]): Row[] => [
        [`CreateTopic with ${name}=${value}`, { ...newTopic, ...entry('entry.1', [name, value]) }],
        [`CreateTopic with ${name}=${value}, flat`, { ...newTopic, ...entry('1', [name, value]) }],
        [
          `CreateTopic with ${name}=${value} beside what is supported`,
          { ...newTopic, ...entry('entry.1', ['DisplayName', 'Orders']), ...entry('entry.2', [name, value]) },
        ],
        [
          `SetTopicAttributes of ${name}=${value}`,
          { Action: 'SetTopicAttributes', TopicArn: client.plainTopic, AttributeName: name, AttributeValue: value },
        ],
      ]),
    )
  })

  test('is refused beside the attributes of a new topic', async () => {
    await refuseAll([
      ['Tags', { ...newTopic, 'Tags.member.1.Key': 'k', 'Tags.member.1.Value': 'v' }],
      ['Tags, flat', { ...newTopic, 'Tags.1.Key': 'k', 'Tags.1.Value': 'v' }],
      ['Tags as a text', { ...newTopic, Tags: '[{"Key":"k","Value":"v"}]' }],
      ['a DataProtectionPolicy', { ...newTopic, DataProtectionPolicy: POLICY }],
      ['a FIFO topic', { Action: 'CreateTopic', Name: 'never.fifo', ...entry('entry.1', ['FifoTopic', 'true']) }],
      ['FifoTopic without its name', { ...newTopic, ...entry('entry.1', ['FifoTopic', 'TRUE']) }],
    ])
  })

  test('is refused as an attribute of a subscription', async () => {
    const subscribe = {
      Action: 'Subscribe',
      TopicArn: client.plainTopic,
      Protocol: 'https',
      Endpoint: 'https://localhost/',
    }
    await refuseAll(
      subscriptionAttributes.flatMap(([name, value]): Row[] => [
        [`${name}=${value}`, { ...subscribe, ...entry('entry.1', [name, value]) }],
        [`${name}=${value}, flat`, { ...subscribe, ...entry('1', [name, value]) }],
      ]),
    )
  })

  test('is refused in a message, sealed or not', async () => {
    for (const TopicArn of [client.plainTopic, client.sealedTopic]) {
      const publish = { Action: 'Publish', TopicArn, Message: MARK }
      const nowhere = { Action: 'Publish', Message: MARK }
      await refuseAll([
        ['MessageDeduplicationId', { ...publish, MessageDeduplicationId: 'd' }],
        ['an application', { ...nowhere, TargetArn: 'arn:aws:sns:us-east-1:000000000000:app/GCM/a' }],
        ['a subscription', { ...nowhere, TargetArn: `${TopicArn}:11111111-2222-4333-8444-555555555555` }],
      ])
    }
  })

  test('does not include what asks for a default: that passes and is not stored', async () => {
    const name = { Action: 'CreateTopic', Name: 'with-defaults', Tags: '' }
    const created = await client.call({ ...name, ...entry('entry.1', ['FifoTopic', 'False']) })
    assert.equal(created.status, 200, created.body)
    const TopicArn = /<TopicArn>([^<]+)</.exec(created.body)?.[1] ?? ''
    const { body } = await client.call({ Action: 'GetTopicAttributes', TopicArn })
    assert.doesNotMatch(body, /Fifo/)
    const subscribe = { Action: 'Subscribe', TopicArn, Protocol: 'https', Endpoint: 'https://localhost:1/' }
    const subscribed = await client.call({ ...subscribe, ...entry('entry.1', ['RawMessageDelivery', 'False']) })
    assert.equal(subscribed.status, 200, subscribed.body)
    const published = await client.call({ Action: 'Publish', TargetArn: TopicArn, Message: MARK })
    assert.equal(published.status, 200, published.body)
  })

  test('left nothing in the log', async () => {
    await client.assertQuietLog()
  })

  async function refuseAll(rows: readonly Row[]): Promise<void> {
    await client.assertHarmless(async () => {
      for (const [what, parameters] of rows) {
        client.assertRefused(await client.call(parameters), invalidParameter, what)
      }
    })
  }

  function topicAttributes(): readonly Pair[] {
    return [
      ['Policy', POLICY],
      ['Policy', ''],
      ['DeliveryPolicy', '{"sqs":{"defaultHealthyRetryPolicy":{"numRetries":1}}}'],
      ['FifoTopic', 'yes'],
      ['ContentBasedDeduplication', 'true'],
      ['ContentBasedDeduplication', 'false'],
      ['FifoThroughputScope', 'Topic'],
      ['FifoThroughputScope', 'MessageGroup'],
      ['ArchivePolicy', '{"MessageRetentionPeriod":"30"}'],
      ['ArchivePolicy', '{}'],
      ['TracingConfig', 'Active'],
      ['TracingConfig', 'PassThrough'],
      ['DataProtectionPolicy', POLICY],
      ...['HTTP', 'Firehose', 'Lambda', 'Application', 'SQS'].flatMap((protocol): Pair[] => [
        [`${protocol}SuccessFeedbackRoleArn`, ROLE],
        [`${protocol}SuccessFeedbackSampleRate`, '100'],
        [`${protocol}FailureFeedbackRoleArn`, ROLE],
      ]),
      // Read-only, misspelt or unknown: SNS refuses these too.
      ['TopicArn', client.plainTopic],
      ['Owner', '111111111111'],
      ['EffectiveDeliveryPolicy', '{}'],
      ['SubscriptionsConfirmed', '1'],
      ['BeginningArchiveTime', '2026-01-01T00:00:00Z'],
      ['kmsMasterKeyId', 'alias/a'],
      ['KMSMASTERKEYID', 'alias/a'],
      ['Nonsense', 'x'],
      ['__proto__', 'x'],
      ['constructor', 'x'],
      ['', 'x'],
    ]
  }
})

const POLICY = '{"Version":"2008-10-17","Statement":[]}'
const ROLE = 'arn:aws:iam::000000000000:role/r'
const newTopic = { Action: 'CreateTopic', Name: 'never-made' }

const subscriptionAttributes: readonly Pair[] = [
  ['FilterPolicy', '{"a":["b"]}'],
  ['FilterPolicy', '{}'],
  ['FilterPolicy', ''],
  ['FilterPolicyScope', 'MessageBody'],
  ['FilterPolicyScope', 'MessageAttributes'],
  ['RedrivePolicy', '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:q"}'],
  ['RedrivePolicy', ''],
  ['DeliveryPolicy', '{"http":{"defaultHealthyRetryPolicy":{"numRetries":1}}}'],
  ['RawMessageDelivery', ''],
  ['RawMessageDelivery', '1'],
  ['SubscriptionRoleArn', ROLE],
  ['ReplayPolicy', '{"PointType":"Timestamp"}'],
  // Read-only, misspelt or unknown: SNS refuses these too.
  ['ConfirmationWasAuthenticated', 'true'],
  ['PendingConfirmation', 'false'],
  ['Owner', '111111111111'],
  ['filterPolicy', '{"a":["b"]}'],
  ['__proto__', 'x'],
  ['', 'x'],
]

function entry(spelling: string, [name, value]: Pair): Record<string, string> {
  return { [`Attributes.${spelling}.key`]: name, [`Attributes.${spelling}.value`]: value }
}
