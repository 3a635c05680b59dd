/** The API's own refusals and idempotency, through the AWS SDK: its exception classes are what applications catch. */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
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
import { readTokenSecrets } from '#shared/secrets'
import { confirmationToken } from '#shared/sns-wire'
import { formOf, type HostileClient, MARK, startHostileClient } from './hostile-client.ts'
import { createKey, createTopic, kmsClient, redisCli, snsClient, untilFinished } from './messaging.ts'
import { startTestSubscriber, type TestSubscriber } from './test-subscriber.ts'

const DAY_MS = 24 * 60 * 60 * 1000
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
        else await client.assertHarmless(() => refused(create, 'InvalidParameterException', 400, conflict))
      })
    }

    test('with an attribute that was never set is a conflict', async () => {
      const Name = `bare-${randomUUID()}`
      await sns.send(new CreateTopicCommand({ Name }))
      for (const Attributes of [{ DisplayName: 'x' }, { SignatureVersion: '1' }]) {
        const create = () => sns.send(new CreateTopicCommand({ Name, Attributes }))
        await refused(create, 'InvalidParameterException', 400, conflict)
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
        await refused(
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
    const token = await tokenOf(TopicArn, SubscriptionArn)
    await sns.send(new DeleteTopicCommand({ TopicArn }))
    await sns.send(new DeleteTopicCommand({ TopicArn }))
    const gone = ['NotFoundException', 404, 'Topic does not exist'] as const
    await client.assertHarmless(async () => {
      await refused(() => sns.send(new PublishCommand({ TopicArn, Message: MARK })), ...gone)
      await refused(() => sns.send(new PublishCommand({ TargetArn: TopicArn, Message: MARK })), ...gone)
      await refused(() => attributesOf(TopicArn), ...gone)
      await refused(() => subscribe(TopicArn), ...gone)
      const set = { TopicArn, AttributeName: 'DisplayName', AttributeValue: MARK }
      await refused(() => sns.send(new SetTopicAttributesCommand(set)), ...gone)
      await sns.send(new UnsubscribeCommand({ SubscriptionArn }))
      // The same as for any token that is not good, or it would tell which topics exist.
      await refused(() => confirm(TopicArn, token), 'InvalidParameterException', 400, 'Invalid parameter: Token')
    })
  })

  test('Subscribe at once, thirty times, makes one subscription', async () => {
    const TopicArn = await createTopic(sns)
    const made = await Promise.all(Array.from({ length: 30 }, () => subscribe(TopicArn)))
    assert.equal(new Set(made.map(({ SubscriptionArn }) => SubscriptionArn)).size, 1)
    const { SubscriptionsPending, SubscriptionsConfirmed } = await attributesOf(TopicArn)
    assert.deepEqual([SubscriptionsPending, SubscriptionsConfirmed], ['1', '0'])
  })

  test('ConfirmSubscription refuses tokens that are altered, of others or too old, and confirms nothing', async () => {
    const TopicArn = await createTopic(sns)
    const otherTopic = await createTopic(sns)
    const { SubscriptionArn } = await subscribe(TopicArn)
    const other = await subscribe(otherTopic)
    const token = await tokenOf(TopicArn, SubscriptionArn)
    const bad = [
      token.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
      token.replace(/^(.{20})./, (_, head) => `${head}${token[20] === '0' ? '1' : '0'}`),
      token.replace(/^(.{60})./, (_, head) => `${head}${token[60] === '0' ? '1' : '0'}`),
      '0'.repeat(288),
      await tokenOf(otherTopic, other.SubscriptionArn),
      await tokenOf(TopicArn, SubscriptionArn, Date.now() - 2 * DAY_MS - 60_000),
      await tokenOf(TopicArn, SubscriptionArn, Date.now() + DAY_MS),
    ]
    const malformed = ['', 'x', token.slice(1), `${token}0`, token.toUpperCase(), ` ${token}`.slice(0, 288)]
    await untilFinished(client.stack)
    await client.assertHarmless(async () => {
      for (const Token of bad) {
        await refused(() => confirm(TopicArn, Token), 'InvalidParameterException', 400, 'Invalid parameter: Token')
        client.assertRefused(await visit({ TopicArn, Token }), tokenRefused, Token)
      }
      for (const Token of malformed) {
        await refused(() => confirm(TopicArn, Token), 'InvalidParameterException', 400, 'Invalid token')
        client.assertRefused(await visit({ TopicArn, Token }), tokenRefused, Token)
      }
      client.assertRefused(
        await visit({ TopicArn: `${TopicArn}-missing`, Token: token }),
        tokenRefused,
        'no such topic',
      )
      client.assertRefused(await visit({ TopicArn: 'x', Token: token }), topicRefused, 'no topic')
      const elsewhere = TopicArn.replace('us-east-1', 'eu-west-1')
      await refused(() => confirm(elsewhere, token), 'InvalidParameterException', 400, 'Invalid parameter: Topic')
      const protect = await visit({ TopicArn, Token: token, AuthenticateOnUnsubscribe: 'true' })
      client.assertRefused(protect, { status: 403, code: 'AuthorizationError' }, 'protecting unsigned')
      const unclear = await visit({ TopicArn, Token: token, AuthenticateOnUnsubscribe: 'yes' })
      client.assertRefused(unclear, { status: 400, code: 'InvalidParameter' }, 'neither true nor false')
    })
    assert.equal((await attributesOf(TopicArn)).SubscriptionsPending, '1')
    assert.equal(
      (await visit({ TopicArn, Token: await tokenOf(TopicArn, SubscriptionArn, Date.now() - DAY_MS) })).status,
      200,
    )
    assert.equal((await attributesOf(TopicArn)).SubscriptionsConfirmed, '1')
  })

  test('Unsubscribe without a signature ends what is not protected, and nothing else', async () => {
    const TopicArn = await createTopic(sns)
    const { SubscriptionArn } = await subscribe(TopicArn)
    const token = await tokenOf(TopicArn, SubscriptionArn)
    await untilFinished(client.stack)
    const pending =
      'Invalid parameter: SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending confirmation'
    await client.assertHarmless(async () => {
      const ended = await leave(SubscriptionArn)
      client.assertRefused(ended, { status: 400, code: 'InvalidParameter', message: pending }, 'pending')
      await refused(
        () => sns.send(new UnsubscribeCommand({ SubscriptionArn })),
        'InvalidParameterException',
        400,
        pending,
      )
      for (const unknown of [`${TopicArn}:${UNKNOWN_ID}`, `${TopicArn}-missing:${UNKNOWN_ID}`]) {
        assert.equal((await leave(unknown)).status, 200)
        await sns.send(new UnsubscribeCommand({ SubscriptionArn: unknown }))
      }
    })
    await confirm(TopicArn, token, 'true')
    await refused(
      () => confirm(TopicArn, token, 'true'),
      'AuthorizationErrorException',
      403,
      'Subscription already confirmed',
    )
    await client.assertHarmless(async () => {
      const message = 'This subscription may only be deleted by an authorized user.'
      client.assertRefused(
        await leave(SubscriptionArn),
        { status: 403, code: 'AuthorizationError', message },
        'protected',
      )
    })
    await sns.send(new UnsubscribeCommand({ SubscriptionArn }))
    const gone = ['NotFoundException', 404, 'Subscription does not exist'] as const
    await refused(() => confirm(TopicArn, token), ...gone)

    const open = await subscribe(TopicArn)
    await confirm(TopicArn, await tokenOf(TopicArn, open.SubscriptionArn))
    assert.equal((await leave(open.SubscriptionArn)).status, 200)
    const { SubscriptionsConfirmed, SubscriptionsDeleted } = await attributesOf(TopicArn)
    assert.deepEqual([SubscriptionsConfirmed, SubscriptionsDeleted], ['0', '1'])
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
          await refused(() => sns.send(new PublishCommand({ TopicArn, Message: MARK })), name, 400, message)
        }
      })
    }
  })

  test('refuses with the exception classes of the SDK', async () => {
    const TopicArn = client.plainTopic
    const foreign = TopicArn.replace('000000000000', '111111111111')
    const attribute = { DataType: 'Nonsense', StringValue: 'x' }
    await client.assertHarmless(async () => {
      await refused(
        () => sns.send(new PublishCommand({ TopicArn, Message: '' })),
        'InvalidParameterException',
        400,
        'Invalid parameter: Empty message',
      )
      await refused(
        () => sns.send(new PublishCommand({ TopicArn, Message: MARK, MessageAttributes: { a: attribute } })),
        'InvalidParameterValueException',
        400,
      )
      await refused(
        () => sns.send(new PublishCommand({ TopicArn: foreign, Message: MARK })),
        'AuthorizationErrorException',
        403,
      )
      const insecure = snsClient({
        ...client.stack,
        clientConfig: { ...client.stack.clientConfig, endpoint: client.httpUrl },
      })
      await refused(
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

  /** As a browser visits the SubscribeURL. */
  function visit(parameters: Record<string, string>) {
    const query = formOf({ Action: 'ConfirmSubscription', ...parameters })
    return client.send({ url: `${client.httpsUrl}?${query}`, method: 'GET' })
  }

  /** As a browser visits the UnsubscribeURL. */
  function leave(SubscriptionArn: string) {
    const query = formOf({ Action: 'Unsubscribe', SubscriptionArn })
    return client.send({ url: `${client.httpsUrl}?${query}`, method: 'GET' })
  }

  /** What a worker would have sent at that time. */
  async function tokenOf(topicArn: string, subscriptionArn: string, issuedAt = Date.now()): Promise<string> {
    const ring = await readTokenSecrets(join(client.stack.home, 'secrets'))
    const incarnation = await redisCli(client.stack, 'HGET', `sealcast:{t:${topicArn}}:topic`, 'incarnation')
    return confirmationToken({
      ring,
      topicArn,
      incarnation,
      issuedAt,
      subscriptionId: subscriptionArn.split(':').at(-1) ?? '',
    })
  }
})

const tokenRefused = { status: 400, code: 'InvalidParameter', message: 'Invalid parameter: Token' }
const topicRefused = { status: 400, code: 'InvalidParameter', message: 'Invalid parameter: Topic' }

async function refused(
  send: () => Promise<unknown>,
  name: string,
  status: number,
  message: string | RegExp = /./,
): Promise<void> {
  await assert.rejects(send, (error) => {
    assert.ok(error instanceof Error && '$metadata' in error, String(error))
    const { httpStatusCode, requestId } = error.$metadata as { httpStatusCode?: number; requestId?: string }
    assert.deepEqual([error.name, error.constructor.name, httpStatusCode], [name, name, status], error.message)
    assert.match(requestId ?? '', /^[0-9a-f-]{36}$/)
    if (typeof message === 'string') assert.equal(error.message, message)
    else assert.match(error.message, message)
    return true
  })
}
