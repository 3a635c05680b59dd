/** Refusals and idempotency of subscribing, confirming and unsubscribing, through the AWS SDK and as a browser. */

import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import {
  ConfirmSubscriptionCommand,
  GetTopicAttributesCommand,
  type SNSClient,
  SubscribeCommand,
  UnsubscribeCommand,
} from '@aws-sdk/client-sns'
import { assertSdkRefusal } from './assert-sdk-refusal.ts'
import { formOf, type HostileClient, startHostileClient } from './hostile-client.ts'
import { createTopic, issueToken, snsClient, untilFinished } from './messaging.ts'
import { startTestSubscriber, type TestSubscriber } from './test-subscriber.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const UNKNOWN_ID = '11111111-2222-4333-8444-555555555555'

suite('subscriptions by the SNS API', () => {
  let client: HostileClient
  let sns: SNSClient
  let subscriber: TestSubscriber

  before(async () => {
    client = await startHostileClient()
    sns = snsClient(client.stack)
    subscriber = await startTestSubscriber({})
  })

  after(async () => {
    sns.destroy()
    await subscriber[Symbol.asyncDispose]()
    await client[Symbol.asyncDispose]()
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
        await assertSdkRefusal(
          () => confirm(TopicArn, Token),
          'InvalidParameterException',
          400,
          'Invalid parameter: Token',
        )
        client.assertRefused(await visit({ TopicArn, Token }), tokenRefused, Token)
      }
      for (const Token of malformed) {
        await assertSdkRefusal(() => confirm(TopicArn, Token), 'InvalidParameterException', 400, 'Invalid token')
        client.assertRefused(await visit({ TopicArn, Token }), tokenRefused, Token)
      }
      client.assertRefused(
        await visit({ TopicArn: `${TopicArn}-missing`, Token: token }),
        tokenRefused,
        'no such topic',
      )
      client.assertRefused(await visit({ TopicArn: 'x', Token: token }), topicRefused, 'no topic')
      const elsewhere = TopicArn.replace('us-east-1', 'eu-west-1')
      await assertSdkRefusal(
        () => confirm(elsewhere, token),
        'InvalidParameterException',
        400,
        'Invalid parameter: Topic',
      )
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
      await assertSdkRefusal(
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
    await assertSdkRefusal(
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
    await assertSdkRefusal(() => confirm(TopicArn, token), ...gone)

    const open = await subscribe(TopicArn)
    await confirm(TopicArn, await tokenOf(TopicArn, open.SubscriptionArn))
    assert.equal((await leave(open.SubscriptionArn)).status, 200)
    const { SubscriptionsConfirmed, SubscriptionsDeleted } = await attributesOf(TopicArn)
    assert.deepEqual([SubscriptionsConfirmed, SubscriptionsDeleted], ['0', '1'])
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

  function tokenOf(topicArn: string, subscriptionArn: string, issuedAt?: number): Promise<string> {
    return issueToken(client.stack, { topicArn, subscriptionArn, issuedAt })
  }
})

const tokenRefused = { status: 400, code: 'InvalidParameter', message: 'Invalid parameter: Token' }
const topicRefused = { status: 400, code: 'InvalidParameter', message: 'Invalid parameter: Topic' }
