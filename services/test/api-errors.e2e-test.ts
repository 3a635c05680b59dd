/** The API's own refusals and idempotency, through the AWS SDK: its exception classes are what applications catch. */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, suite, test } from 'node:test'
import { CreateAliasCommand, DisableKeyCommand, EnableKeyCommand, type KMSClient } from '@aws-sdk/client-kms'
import {
  ConfirmSubscriptionCommand,
  CreateTopicCommand,
  DeleteTopicCommand,
  GetTopicAttributesCommand,
  ListTopicsCommand,
  PublishCommand,
  SetTopicAttributesCommand,
  type SNSClient,
  SubscribeCommand,
  UnsubscribeCommand,
} from '@aws-sdk/client-sns'
import { assertSdkRefusal } from './assert-sdk-refusal.ts'
import { type HostileClient, MARK, startHostileClient } from './hostile-client.ts'
import { createKey, createTopic, issueToken, kmsClient, snsClient } from './messaging.ts'
import { startTestSubscriber, type TestSubscriber } from './test-subscriber.ts'

const UNKNOWN_ID = '11111111-2222-4333-8444-555555555555'
const conflict = 'Invalid parameter: Attributes Reason: Topic already exists with different attributes'

suite('the SNS API', () => {
  let client: HostileClient
  let sns: SNSClient
  let kms: KMSClient
  let subscriber: TestSubscriber

  before(async () => {
    client = await startHostileClient()
    sns = snsClient(client.stack)
    kms = kmsClient(client.stack)
    subscriber = await startTestSubscriber({})
  })

  after(async () => {
    sns.destroy()
    kms.destroy()
    await subscriber[Symbol.asyncDispose]()
    await client[Symbol.asyncDispose]()
  })

  suite('CreateTopic', () => {
    const attributes = { DisplayName: 'Orders', KmsMasterKeyId: 'alias/orders', SignatureVersion: '2' }
    const again: [string, Record<string, string> | undefined, boolean][] = [
      ['no attributes', undefined, true],
      ['all of them', attributes, true],
      ['one of them', { DisplayName: 'Orders' }, true],
      ['FifoTopic=false', { FifoTopic: 'false' }, true],
      ['another value', { ...attributes, DisplayName: 'Other' }, false],
      ['another key', { KmsMasterKeyId: 'alias/other' }, false],
      ['an empty value', { DisplayName: '' }, false],
    ]
    for (const [what, second, isSame] of again) {
      test(`again with ${what} ${isSame ? 'returns the topic' : 'is a conflict'}`, async () => {
        const Name = `again-${randomUUID()}`
        const { TopicArn } = await sns.send(new CreateTopicCommand({ Name, Attributes: attributes }))
        const create = () => sns.send(new CreateTopicCommand({ Name, Attributes: second, Tags: [] }))
        if (isSame) assert.equal((await create()).TopicArn, TopicArn)
        else await client.assertHarmless(() => assertSdkRefusal(create, 'InvalidParameterException', 400, conflict))
      })
    }

    test('with an attribute that was never set is a conflict', async () => {
      const Name = `bare-${randomUUID()}`
      await sns.send(new CreateTopicCommand({ Name }))
      for (const Attributes of [{ DisplayName: 'x' }, { SignatureVersion: '1' }]) {
        const create = () => sns.send(new CreateTopicCommand({ Name, Attributes }))
        await assertSdkRefusal(create, 'InvalidParameterException', 400, conflict)
      }
    })

    test('at once, thirty times, makes one topic', async () => {
      const Name = `at-once-${randomUUID()}`
      const made = await Promise.all(Array.from({ length: 30 }, () => sns.send(new CreateTopicCommand({ Name }))))
      assert.equal(new Set(made.map(({ TopicArn }) => TopicArn)).size, 1)
    })
  })

  test('GetTopicAttributes shows what SNS shows, and what was set', async () => {
    const TopicArn = await createTopic(sns)
    const before = await attributesOf(TopicArn)
    assert.deepEqual(Object.keys(before).sort(), [
      'DisplayName',
      'EffectiveDeliveryPolicy',
      'Owner',
      'Policy',
      'SubscriptionsConfirmed',
      'SubscriptionsDeleted',
      'SubscriptionsPending',
      'TopicArn',
    ])
    assert.equal(before.Owner, '000000000000')
    assert.equal(before.DisplayName, '')
    assert.equal(JSON.parse(before.Policy ?? '').Statement[0].Resource, TopicArn)
    assert.ok(JSON.parse(before.EffectiveDeliveryPolicy ?? ''))
    const values = { DisplayName: 'Ü & <b> "x"', KmsMasterKeyId: 'no such key', SignatureVersion: '2' }
    for (const [AttributeName, AttributeValue] of Object.entries(values)) {
      await sns.send(new SetTopicAttributesCommand({ TopicArn, AttributeName, AttributeValue }))
    }
    assert.deepEqual(await attributesOf(TopicArn), { ...before, ...values })
    await sns.send(new SetTopicAttributesCommand({ TopicArn, AttributeName: 'KmsMasterKeyId', AttributeValue: '' }))
    assert.equal('KmsMasterKeyId' in (await attributesOf(TopicArn)), false)
  })

  test('SetTopicAttributes at once loses none of them', async () => {
    const TopicArn = await createTopic(sns)
    const set = (AttributeName: string, AttributeValue: string) =>
      sns.send(new SetTopicAttributesCommand({ TopicArn, AttributeName, AttributeValue }))
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => [
        set('DisplayName', `name ${n}`),
        set('KmsMasterKeyId', `alias/${n}`),
        set('SignatureVersion', n % 2 ? '1' : '2'),
        sns.send(new SubscribeCommand({ TopicArn, Protocol: 'http', Endpoint: `${subscriber.url}?${TopicArn}${n}` })),
      ]).flat(),
    )
    const found = await attributesOf(TopicArn)
    assert.match(found.DisplayName ?? '', /^name \d+$/)
    assert.match(found.KmsMasterKeyId ?? '', /^alias\/\d+$/)
    assert.match(found.SignatureVersion ?? '', /^[12]$/)
    assert.equal(found.SubscriptionsPending, '20')
  })

  test('ListTopics pages through 250 topics of its region, each once', async () => {
    const region = 'eu-north-1'
    for (let from = 0; from < 250; from += 50) {
      const names = Array.from({ length: 50 }, (_, n) => `listed-${from + n}`)
      await Promise.all(names.map((Name) => client.call({ Action: 'CreateTopic', Name }, { region })))
    }
    const listed: string[] = []
    const tokens: string[] = []
    for (let token: string | undefined = ''; token !== undefined; ) {
      const { body } = await client.call({ Action: 'ListTopics', NextToken: token }, { region })
      const page = [...body.matchAll(/<TopicArn>([^<]+)</g)].map(([, arn = '']) => arn)
      assert.ok(page.length <= 100)
      listed.push(...page)
      token = /<NextToken>([^<]+)</.exec(body)?.[1]
      if (token !== undefined) tokens.push(token)
    }
    assert.equal(tokens.length, 2)
    assert.equal(new Set(listed).size, 250)
    assert.equal(listed.length, 250)
    const { Topics: here = [] } = await sns.send(new ListTopicsCommand({}))
    assert.ok(!here.some(({ TopicArn }) => TopicArn?.includes(region)))
    await client.assertHarmless(async () => {
      for (const NextToken of ['x', '!', `${tokens[0]}=`, tokens[0]?.toLowerCase(), tokens[0], 'MTphcm46']) {
        await assertSdkRefusal(
          () => sns.send(new ListTopicsCommand({ NextToken })),
          'InvalidParameterException',
          400,
          'Invalid parameter: NextToken',
        )
      }
    })
  })

  test('every action on a topic that is gone says so, but for deleting it again', async () => {
    const TopicArn = await createTopic(sns)
    const { SubscriptionArn } = await subscribe(TopicArn)
    const token = await issueToken(client.stack, { topicArn: TopicArn, subscriptionArn: SubscriptionArn })
    await sns.send(new DeleteTopicCommand({ TopicArn }))
    await sns.send(new DeleteTopicCommand({ TopicArn }))
    const gone = ['NotFoundException', 404, 'Topic does not exist'] as const
    await client.assertHarmless(async () => {
      await assertSdkRefusal(() => sns.send(new PublishCommand({ TopicArn, Message: MARK })), ...gone)
      await assertSdkRefusal(() => sns.send(new PublishCommand({ TargetArn: TopicArn, Message: MARK })), ...gone)
      await assertSdkRefusal(() => attributesOf(TopicArn), ...gone)
      await assertSdkRefusal(() => subscribe(TopicArn), ...gone)
      const set = { TopicArn, AttributeName: 'DisplayName', AttributeValue: MARK }
      await assertSdkRefusal(() => sns.send(new SetTopicAttributesCommand(set)), ...gone)
      await sns.send(new UnsubscribeCommand({ SubscriptionArn }))
      // The same as for any token that is not good, or it would tell which topics exist.
      await assertSdkRefusal(
        () => confirm(TopicArn, token),
        'InvalidParameterException',
        400,
        'Invalid parameter: Token',
      )
    })
  })

  suite('Publish to a sealed topic whose key', () => {
    const suffix = (code: string) =>
      `\\(Service: AWSKMS; Status Code: 400; Error Code: ${code}; Request ID: [0-9a-f-]{36}; Proxy: null\\)$`

    test('does not exist is refused with KMSNotFound', async () => {
      const ids = [
        'x',
        ' ',
        UNKNOWN_ID,
        'alias/none',
        'alias/aws/sqs',
        'arn:',
        `arn:aws:kms:us-east-1:000000000000:key/${UNKNOWN_ID}`,
        `arn:aws:kms:eu-west-1:000000000000:key/${UNKNOWN_ID}`,
        'arn:aws:s3:::bucket',
        '__proto__',
        'ключ 😀\n',
        '\u0001',
        'x'.repeat(1024),
        `alias/${'x'.repeat(1018)}`,
      ]
      for (const KmsMasterKeyId of ids) {
        const TopicArn = await createTopic(sns, { KmsMasterKeyId })
        await refusedByKms(TopicArn, 'KMSNotFoundException', new RegExp(suffix('NotFoundException')))
      }
    })

    test('is disabled is refused with KMSDisabled, also by alias, until it is enabled', async () => {
      const keyArn = await createKey(kms)
      await kms.send(new CreateAliasCommand({ AliasName: 'alias/switched', TargetKeyId: keyArn }))
      await kms.send(new DisableKeyCommand({ KeyId: keyArn }))
      for (const KmsMasterKeyId of [keyArn, keyArn.split('/').at(-1) ?? '', 'alias/switched']) {
        const TopicArn = await createTopic(sns, { KmsMasterKeyId })
        const text = new RegExp(`^${keyArn} is disabled\\. ${suffix('DisabledException')}`)
        await refusedByKms(TopicArn, 'KMSDisabledException', text)
      }
      await kms.send(new EnableKeyCommand({ KeyId: keyArn }))
      const TopicArn = await createTopic(sns, { KmsMasterKeyId: 'alias/switched' })
      await sns.send(new PublishCommand({ TopicArn, Message: MARK }))
    })

    test("is another account's is refused with KMSAccessDenied", async () => {
      for (const resource of [`key/${UNKNOWN_ID}`, 'alias/theirs']) {
        const keyArn = `arn:aws:kms:us-east-1:111111111111:${resource}`
        const TopicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
        const text = `^User: arn:aws:iam::000000000000:user/\\S+ is not authorized to perform: kms:GenerateDataKey on resource: ${keyArn} because .* ${suffix('AccessDeniedException')}`
        await refusedByKms(TopicArn, 'KMSAccessDeniedException', new RegExp(text))
      }
    })

    async function refusedByKms(TopicArn: string, name: string, message: RegExp): Promise<void> {
      await client.assertHarmless(async () => {
        // Thrice: the answer is remembered for a while, and stays the same.
        for (let n = 0; n < 3; n++) {
          await assertSdkRefusal(() => sns.send(new PublishCommand({ TopicArn, Message: MARK })), name, 400, message)
        }
      })
    }
  })

  test('refuses with the exception classes of the SDK', async () => {
    const TopicArn = client.plainTopic
    const foreign = TopicArn.replace('000000000000', '111111111111')
    const attribute = { DataType: 'Nonsense', StringValue: 'x' }
    await client.assertHarmless(async () => {
      await assertSdkRefusal(
        () => sns.send(new PublishCommand({ TopicArn, Message: '' })),
        'InvalidParameterException',
        400,
        'Invalid parameter: Empty message',
      )
      await assertSdkRefusal(
        () => sns.send(new PublishCommand({ TopicArn, Message: MARK, MessageAttributes: { a: attribute } })),
        'InvalidParameterValueException',
        400,
      )
      await assertSdkRefusal(
        () => sns.send(new PublishCommand({ TopicArn: foreign, Message: MARK })),
        'AuthorizationErrorException',
        403,
      )
      const insecure = snsClient({
        ...client.stack,
        clientConfig: { ...client.stack.clientConfig, endpoint: client.httpUrl },
      })
      await assertSdkRefusal(
        () => insecure.send(new PublishCommand({ TopicArn: client.sealedTopic, Message: MARK })),
        'InvalidSecurityException',
        403,
      )
      insecure.destroy()
    })
  })

  test('left neither a text nor a failure of ours in the log', async () => {
    await client.assertQuietLog()
  })

  async function attributesOf(TopicArn: string): Promise<Record<string, string>> {
    return (await sns.send(new GetTopicAttributesCommand({ TopicArn }))).Attributes ?? {}
  }

  async function subscribe(TopicArn: string): Promise<{ SubscriptionArn: string }> {
    const request = { TopicArn, Protocol: 'http', Endpoint: subscriber.url, ReturnSubscriptionArn: true }
    const { SubscriptionArn = '' } = await sns.send(new SubscribeCommand(request))
    return { SubscriptionArn }
  }

  function confirm(TopicArn: string, Token: string, AuthenticateOnUnsubscribe?: string): Promise<unknown> {
    return sns.send(new ConfirmSubscriptionCommand({ TopicArn, Token, AuthenticateOnUnsubscribe }))
  }
})
