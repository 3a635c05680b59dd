/** Attributes of subscriptions and delivery policies, through the AWS SDK: what is stored, read back and refused. */

import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import {
  CreateTopicCommand,
  DeleteTopicCommand,
  GetSubscriptionAttributesCommand,
  GetTopicAttributesCommand,
  SetSubscriptionAttributesCommand,
  SetTopicAttributesCommand,
  type SNSClient,
  SubscribeCommand,
  UnsubscribeCommand,
} from '@aws-sdk/client-sns'
import { type Expected, type HostileClient, startHostileClient } from './hostile-client.ts'
import { createTopic, snsClient, subscribeAndConfirm, trustStack, untilFinished } from './messaging.ts'
import { startTestSubscriber, type TestSubscriber } from './test-subscriber.ts'

const UNKNOWN_ID = '11111111-2222-4333-8444-555555555555'
const RETRY =
  '{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"}'
const EFFECTIVE = `{"healthyRetryPolicy":${RETRY},"sicklyRetryPolicy":null,"throttlePolicy":null,"requestPolicy":{"headerContentType":"text/plain; charset=UTF-8"},"guaranteed":false}`
const CSV = '{"requestPolicy":{"headerContentType":"text/csv"}}'
const CSV_STORED =
  '{"healthyRetryPolicy":null,"sicklyRetryPolicy":null,"throttlePolicy":null,"requestPolicy":{"headerContentType":"text/csv"},"guaranteed":false}'

suite('attributes', () => {
  let client: HostileClient
  let sns: SNSClient
  /** Answers at once, so that no confirmation is left to be stored while nothing may be. */
  let subscriber: TestSubscriber
  let endpoints = 0

  before(async () => {
    client = await startHostileClient()
    trustStack(client.stack)
    sns = snsClient(client.stack)
    subscriber = await startTestSubscriber({})
  })

  after(async () => {
    sns.destroy()
    await subscriber[Symbol.asyncDispose]()
    await client[Symbol.asyncDispose]()
  })

  test('of a new subscription are the defaults, and follow it through its states', async () => {
    const TopicArn = await createTopic(sns)
    await using confirmed = await subscribeAndConfirm(client.stack, { sns, topicArn: TopicArn })
    const { SubscriptionArn = '' } = await sns.send(
      new SubscribeCommand({ TopicArn, Protocol: 'https', Endpoint: confirmed.url }),
    )
    const expected = {
      SubscriptionArn,
      TopicArn,
      Owner: '000000000000',
      Protocol: 'https',
      Endpoint: confirmed.url,
      SubscriptionPrincipal: 'arn:aws:iam::000000000000:user/admin',
      ConfirmationWasAuthenticated: 'false',
      PendingConfirmation: 'false',
      RawMessageDelivery: 'false',
      EffectiveDeliveryPolicy: EFFECTIVE,
    }
    assert.deepEqual(await read(SubscriptionArn), expected)
    await client.call({ Action: 'Unsubscribe', SubscriptionArn }, { signed: false })
    assert.deepEqual(await read(SubscriptionArn), expected)
    const pending = await subscribe(TopicArn)
    assert.equal((await read(pending)).PendingConfirmation, 'true')
    await sns.send(new DeleteTopicCommand({ TopicArn }))
    await assert.rejects(read(SubscriptionArn), { name: 'NotFoundException', message: 'Subscription does not exist' })
  })

  test('of a subscription read back as SNS would have them', async () => {
    const arn = await subscribe(await createTopic(sns))
    const rows: [name: string, value: string | undefined, changed: Record<string, string | undefined>][] = [
      ['RawMessageDelivery', 'TRUE', { RawMessageDelivery: 'true' }],
      [
        'DeliveryPolicy',
        CSV,
        {
          DeliveryPolicy: CSV_STORED,
          EffectiveDeliveryPolicy: EFFECTIVE.replace('text/plain; charset=UTF-8', 'text/csv'),
        },
      ],
      // What only raw bodies can be is not sent while bodies are not raw; nothing is lost by the order.
      ['RawMessageDelivery', 'False', { RawMessageDelivery: 'false', EffectiveDeliveryPolicy: EFFECTIVE }],
      [
        'RawMessageDelivery',
        'true',
        { EffectiveDeliveryPolicy: EFFECTIVE.replace('text/plain; charset=UTF-8', 'text/csv') },
      ],
      [
        'DeliveryPolicy',
        '{"healthyRetryPolicy":{"numRetries":5,"backoffFunction":"geometric"},"throttlePolicy":{"maxReceivesPerSecond":3}}',
        {
          DeliveryPolicy:
            '{"healthyRetryPolicy":{"numRetries":5,"backoffFunction":"geometric"},"sicklyRetryPolicy":null,"throttlePolicy":{"maxReceivesPerSecond":3},"requestPolicy":null,"guaranteed":false}',
          EffectiveDeliveryPolicy: EFFECTIVE.replace('"numRetries":3', '"numRetries":5')
            .replace('linear', 'geometric')
            .replace('"throttlePolicy":null', '"throttlePolicy":{"maxReceivesPerSecond":3}'),
        },
      ],
      ['DeliveryPolicy', '', { DeliveryPolicy: undefined, EffectiveDeliveryPolicy: EFFECTIVE }],
      ['DeliveryPolicy', undefined, { DeliveryPolicy: undefined }],
    ]
    for (const [AttributeName, AttributeValue, changed] of rows) {
      const request = { SubscriptionArn: arn, AttributeName, AttributeValue }
      await sns.send(new SetSubscriptionAttributesCommand(request))
      const attributes = await read(arn)
      for (const [name, value] of Object.entries(changed)) assert.equal(attributes[name], value, AttributeName)
    }
  })

  test('of a subscription are refused in the words of SNS, and nothing is stored', async () => {
    const SubscriptionArn = await subscribe(client.plainTopic)
    const notYet = (name: string) => `${name} Reason: not supported by this server yet`
    const raw = (value: string) => `RawMessageDelivery: Invalid value [${value}]. Must be true or false.`
    const rows: [name: string, value: string, text: string][] = [
      ['RawMessageDelivery', '', raw('')],
      ['RawMessageDelivery', 'yes', raw('yes')],
      ['DeliveryPolicy', 'nonsense', 'DeliveryPolicy: failed to parse JSON'],
      ['DeliveryPolicy', '{"http":{}}', 'DeliveryPolicy: the policy has the unknown key http'],
      [
        'DeliveryPolicy',
        '{"healthyRetryPolicy":{"numRetries":101}}',
        'DeliveryPolicy: numRetries must be an integer from 0 to 100',
      ],
      [
        'DeliveryPolicy',
        '{"requestPolicy":{"headerContentType":"image/png"}}',
        'DeliveryPolicy: headerContentType is not one of the content types that deliveries can have',
      ],
      ['FilterPolicy', '{"a":["b"]}', notYet('FilterPolicy')],
      ['FilterPolicyScope', 'MessageBody', notYet('FilterPolicyScope')],
      ['RedrivePolicy', '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:q"}', notYet('RedrivePolicy')],
      ['SubscriptionRoleArn', 'arn:aws:iam::000000000000:role/r', notYet('SubscriptionRoleArn')],
      ['ReplayPolicy', '{}', 'AttributeName'],
      ['Owner', '111111111111', 'AttributeName'],
      ['PendingConfirmation', 'false', 'AttributeName'],
      ['EffectiveDeliveryPolicy', '{}', 'AttributeName'],
      ['rawMessageDelivery', 'true', 'AttributeName'],
      ['', 'x', 'AttributeName'],
    ]
    const subscribing = { Action: 'Subscribe', TopicArn: client.plainTopic, Protocol: 'http', Endpoint: newEndpoint() }
    await assertHarmless(async () => {
      for (const [AttributeName, AttributeValue, text] of rows) {
        const set = { Action: 'SetSubscriptionAttributes', SubscriptionArn, AttributeName, AttributeValue }
        refused(await client.call(set), { message: `Invalid parameter: ${text}` }, `${AttributeName} set`)
        const inMap = text === 'AttributeName' ? text : `Attributes Reason: ${text.replace(' Reason:', ':')}`
        const entry = { 'Attributes.entry.1.key': AttributeName, 'Attributes.entry.1.value': AttributeValue }
        const answer = await client.call({ ...subscribing, ...entry })
        refused(answer, { message: `Invalid parameter: ${inMap}` }, `${AttributeName} subscribed`)
      }
      const nameless = { Action: 'SetSubscriptionAttributes', SubscriptionArn, AttributeValue: 'x' }
      refused(
        await client.call(nameless),
        {
          code: 'ValidationError',
          message:
            "1 validation error detected: Value null at 'attributeName' failed to satisfy constraint: Member must not be null",
        },
        'no name',
      )
    })
  })

  test('are those of a subscription that exists and that the caller may name', async () => {
    const SubscriptionArn = await subscribe(client.plainTopic)
    const rows: [arn: string | undefined, expected: Partial<Expected>][] = [
      [undefined, { message: 'Invalid parameter: SubscriptionArn Reason: no value for required parameter' }],
      ['', { message: 'Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not 1' }],
      ['PendingConfirmation', { message: /An ARN must have at least 6 elements, not 1$/ }],
      [client.plainTopic, { message: 'Invalid parameter: SubscriptionId' }],
      [`${client.plainTopic}:x`, { message: 'Invalid parameter: SubscriptionId' }],
      ['arn:aws:sqs:us-east-1:000000000000:q:x', { message: 'Invalid parameter: SubscriptionArn' }],
      [SubscriptionArn.replace('us-east-1', 'eu-west-1'), { message: 'Invalid parameter: SubscriptionArn' }],
      [
        SubscriptionArn.replace('000000000000', '111111111111'),
        { status: 403, code: 'AuthorizationError', message: 'Not authorized to access this subscription' },
      ],
      [`${client.plainTopic}:${UNKNOWN_ID}`, { status: 404, code: 'NotFound', message: 'Subscription does not exist' }],
      [
        `${client.plainTopic}x:${UNKNOWN_ID}`,
        { status: 404, code: 'NotFound', message: 'Subscription does not exist' },
      ],
    ]
    await assertHarmless(async () => {
      for (const [arn, expected] of rows) {
        const named = arn === undefined ? {} : { SubscriptionArn: arn }
        const value = { AttributeName: 'RawMessageDelivery', AttributeValue: 'true' }
        for (const Action of ['GetSubscriptionAttributes', 'SetSubscriptionAttributes']) {
          refused(await client.call({ Action, ...named, ...value }), expected, `${Action} ${arn}`)
        }
      }
      const unsigned = await client.call({ Action: 'GetSubscriptionAttributes', SubscriptionArn }, { signed: false })
      refused(unsigned, { status: 403, code: 'MissingAuthenticationToken', message: /./ }, 'unsigned')
    })
    const sealed = await subscribe(client.sealedTopic)
    await assertHarmless(async () => {
      const plain = await client.call({ Action: 'GetSubscriptionAttributes', SubscriptionArn: sealed }, { plain: true })
      refused(plain, { status: 403, code: 'InvalidSecurity', message: /./ }, 'over plain HTTP')
    })
  })

  test('decide whether a second Subscribe is the same as the first', async () => {
    const TopicArn = await createTopic(sns)
    const conflict = {
      name: 'InvalidParameterException',
      message: 'Invalid parameter: Attributes Reason: Subscription already exists with different attributes',
    }
    const rows: [first: Record<string, string>, second: Record<string, string>, same: boolean][] = [
      [{}, {}, true],
      [{}, { RawMessageDelivery: 'false' }, true],
      [{}, { RawMessageDelivery: 'true' }, false],
      [{}, { DeliveryPolicy: CSV }, false],
      [{ RawMessageDelivery: 'true' }, {}, true],
      [{ RawMessageDelivery: 'true' }, { RawMessageDelivery: 'TRUE' }, true],
      [{ RawMessageDelivery: 'true' }, { RawMessageDelivery: 'false' }, false],
      [{ RawMessageDelivery: 'true', DeliveryPolicy: CSV }, { DeliveryPolicy: CSV_STORED }, true],
      [{ DeliveryPolicy: CSV }, { DeliveryPolicy: '{}' }, false],
    ]
    for (const [first, second, same] of rows) {
      const what = JSON.stringify([first, second])
      const request = { TopicArn, Protocol: 'http', Endpoint: newEndpoint(), ReturnSubscriptionArn: true }
      const { SubscriptionArn } = await sns.send(new SubscribeCommand({ ...request, Attributes: first }))
      const again = () => sns.send(new SubscribeCommand({ ...request, Attributes: second }))
      if (same) assert.equal((await again()).SubscriptionArn, SubscriptionArn, what)
      else await assert.rejects(again, conflict, what)
      await assertStored(SubscriptionArn ?? '', first)
    }
  })

  test('of a topic hold for its subscriptions that set none, or for all of them', async () => {
    const TopicArn = await createTopic(sns)
    const plain = await subscribe(TopicArn)
    const own = await subscribe(TopicArn, { DeliveryPolicy: '{"healthyRetryPolicy":{"numRetries":7}}' })
    const effective = async (arn: string) => JSON.parse((await read(arn)).EffectiveDeliveryPolicy ?? '')
    const retries = async (arn: string) => (await effective(arn)).healthyRetryPolicy.numRetries
    await setTopic(
      TopicArn,
      '{"http":{"defaultHealthyRetryPolicy":{"numRetries":1},"defaultThrottlePolicy":{"maxReceivesPerSecond":9}}}',
    )
    assert.deepEqual([await retries(plain), await retries(own)], [1, 7])
    assert.equal((await effective(own)).throttlePolicy.maxReceivesPerSecond, 9)
    await setTopic(
      TopicArn,
      '{"http":{"defaultHealthyRetryPolicy":{"numRetries":1},"disableSubscriptionOverrides":true}}',
    )
    assert.deepEqual([await retries(plain), await retries(own)], [1, 1])
    await setTopic(TopicArn, '')
    assert.deepEqual([await retries(plain), await retries(own)], [3, 7])
  })

  test('of a topic read back as SNS would have them, and a topic is the same only with the same policy', async () => {
    const effective = `{"http":{"defaultHealthyRetryPolicy":${RETRY},"disableSubscriptionOverrides":false,"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}`
    const sent = '{"http":{"defaultHealthyRetryPolicy":{"numRetries":5}}}'
    const stored = '{"http":{"defaultHealthyRetryPolicy":{"numRetries":5},"disableSubscriptionOverrides":false}}'
    const request = { Name: 'with-policy', Attributes: { DeliveryPolicy: sent } }
    const { TopicArn = '' } = await sns.send(new CreateTopicCommand(request))
    assert.deepEqual(await policiesOf(TopicArn), [stored, effective.replace('"numRetries":3', '"numRetries":5')])
    await sns.send(new CreateTopicCommand(request))
    await sns.send(new CreateTopicCommand({ Name: 'with-policy', Attributes: { DeliveryPolicy: stored } }))
    await assert.rejects(
      sns.send(new CreateTopicCommand({ Name: 'with-policy', Attributes: { DeliveryPolicy: '' } })),
      {
        message: 'Invalid parameter: Attributes Reason: Topic already exists with different attributes',
      },
    )
    const nulls = '{"http":{"defaultHealthyRetryPolicy":null}}'
    await setTopic(TopicArn, nulls)
    assert.deepEqual(await policiesOf(TopicArn), ['{"http":{"disableSubscriptionOverrides":false}}', effective])
    // What is read as effective can be set.
    await setTopic(TopicArn, effective)
    assert.deepEqual(await policiesOf(TopicArn), [effective, effective])
    await setTopic(TopicArn, '')
    assert.deepEqual(await policiesOf(TopicArn), [undefined, effective])
  })

  test('of a topic are refused in the words of SNS, and nothing is stored', async () => {
    const rows: [policy: string, reason: string][] = [
      ['{', 'failed to parse JSON'],
      ['{}', 'http is missing'],
      ['{"healthyRetryPolicy":{}}', 'the policy has the unknown key healthyRetryPolicy'],
      [
        '{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":30}}}',
        'minDelayTarget must not exceed maxDelayTarget, current values are 30 and 20',
      ],
      [
        '{"http":{"defaultHealthyRetryPolicy":{"maxDelayTarget":3600,"numRetries":50}}}',
        'all retries together must be due within 3600 seconds, current value is 90500',
      ],
    ]
    await assertHarmless(async () => {
      for (const [policy, reason] of rows) {
        const set = { Action: 'SetTopicAttributes', TopicArn: client.plainTopic, AttributeName: 'DeliveryPolicy' }
        const answer = await client.call({ ...set, AttributeValue: policy })
        refused(answer, { message: `Invalid parameter: DeliveryPolicy: ${reason}` }, policy)
        const entry = { 'Attributes.entry.1.key': 'DeliveryPolicy', 'Attributes.entry.1.value': policy }
        const created = await client.call({ Action: 'CreateTopic', Name: 'never-made', ...entry })
        refused(created, { message: `Invalid parameter: Attributes Reason: DeliveryPolicy: ${reason}` }, policy)
      }
    })
  })

  test('show no password', async () => {
    const TopicArn = await createTopic(sns)
    const Endpoint = 'https://user:secret@localhost:1/hook'
    const request = { TopicArn, Protocol: 'https', Endpoint, ReturnSubscriptionArn: true }
    const { SubscriptionArn = '' } = await sns.send(new SubscribeCommand(request))
    assert.equal((await read(SubscriptionArn)).Endpoint, 'https://user:****@localhost:1/hook')
    await assert.rejects(sns.send(new UnsubscribeCommand({ SubscriptionArn })), /pending confirmation/)
  })

  function refused(
    response: Awaited<ReturnType<HostileClient['call']>>,
    { status = 400, code = 'InvalidParameter', message = /./ }: Partial<Expected>,
    what: string,
  ): void {
    client.assertRefused(response, { status, code, message }, what)
  }

  async function assertHarmless(attack: () => Promise<void>): Promise<void> {
    await untilFinished(client.stack)
    await client.assertHarmless(attack)
  }

  function newEndpoint(): string {
    return `${subscriber.url}${endpoints++}`
  }

  async function subscribe(TopicArn: string, Attributes: Record<string, string> = {}): Promise<string> {
    const request = { TopicArn, Protocol: 'http', Endpoint: newEndpoint(), ReturnSubscriptionArn: true, Attributes }
    return (await sns.send(new SubscribeCommand(request))).SubscriptionArn ?? ''
  }

  async function read(SubscriptionArn: string): Promise<Record<string, string>> {
    return (await sns.send(new GetSubscriptionAttributesCommand({ SubscriptionArn }))).Attributes ?? {}
  }

  async function assertStored(arn: string, set: Record<string, string>): Promise<void> {
    const { RawMessageDelivery, DeliveryPolicy } = await read(arn)
    assert.equal(RawMessageDelivery, set.RawMessageDelivery ?? 'false')
    assert.equal(DeliveryPolicy, set.DeliveryPolicy === undefined ? undefined : CSV_STORED)
  }

  async function setTopic(TopicArn: string, AttributeValue: string): Promise<void> {
    await sns.send(new SetTopicAttributesCommand({ TopicArn, AttributeName: 'DeliveryPolicy', AttributeValue }))
  }

  async function policiesOf(TopicArn: string): Promise<(string | undefined)[]> {
    const { Attributes = {} } = await sns.send(new GetTopicAttributesCommand({ TopicArn }))
    return [Attributes.DeliveryPolicy, Attributes.EffectiveDeliveryPolicy]
  }
})
