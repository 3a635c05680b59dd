/** ListSubscriptions and ListSubscriptionsByTopic, through the AWS SDK and its paginators. */

import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import {
  DeleteTopicCommand,
  ListSubscriptionsByTopicCommand,
  ListSubscriptionsCommand,
  paginateListSubscriptions,
  paginateListSubscriptionsByTopic,
  SNSClient,
  SubscribeCommand,
  type Subscription,
  UnsubscribeCommand,
} from '@aws-sdk/client-sns'
import { type HostileClient, startHostileClient } from './hostile-client.ts'
import { createTopic, readAuthority, snsClient, subscribeAndConfirm, trustStack, untilFinished } from './messaging.ts'
import { startTestSubscriber, type TestSubscriber } from './test-subscriber.ts'

suite('lists of subscriptions', () => {
  let client: HostileClient
  let sns: SNSClient
  let subscriber: TestSubscriber

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

  test('show a word instead of the ARN of what is pending or ended by its link', async () => {
    const TopicArn = await createTopic(sns)
    await using confirmed = await subscribeAndConfirm(client.stack, { sns, topicArn: TopicArn })
    await using ended = await subscribeAndConfirm(client.stack, { sns, topicArn: TopicArn })
    await using pending = await startTestSubscriber({ authority: readAuthority(client.stack) })
    const Endpoint = pending.url.replace('://', '://user:secret@')
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'https', Endpoint }))
    const arnOf = async (url: string) =>
      (await listByTopic(TopicArn)).find((one) => one.Endpoint === url)?.SubscriptionArn ?? ''
    const endedArn = await arnOf(ended.url)
    await client.call({ Action: 'Unsubscribe', SubscriptionArn: endedArn }, { signed: false })
    const member = (url: string, SubscriptionArn: string) => ({
      SubscriptionArn,
      Owner: '000000000000',
      Protocol: 'https',
      Endpoint: url,
      TopicArn,
    })
    const confirmedArn = await arnOf(confirmed.url)
    assert.match(confirmedArn, new RegExp(`^${TopicArn}:[0-9a-f-]{36}$`))
    const expected = [
      member(Endpoint.replace('secret', '****'), 'PendingConfirmation'),
      member(confirmed.url, confirmedArn),
      member(ended.url, 'Deleted'),
    ]
    for (const list of [await listByTopic(TopicArn), (await listOwn()).filter((one) => one.TopicArn === TopicArn)]) {
      assert.deepEqual(list.toSorted(byEndpoint), expected.toSorted(byEndpoint))
    }
    await sns.send(new UnsubscribeCommand({ SubscriptionArn: confirmedArn }))
    assert.equal((await listByTopic(TopicArn)).length, 2)
  })

  test('have a hundred on a page, each once, whatever comes and goes between two pages', async () => {
    const TopicArn = await createTopic(sns)
    await subscribeMany(TopicArn, 205)
    const sizes: number[] = []
    const listed: Subscription[] = []
    for await (const { Subscriptions = [] } of paginateListSubscriptionsByTopic({ client: sns }, { TopicArn })) {
      sizes.push(Subscriptions.length)
      listed.push(...Subscriptions)
      if (sizes.length === 1) await subscribeMany(TopicArn, 3, 'later')
    }
    assert.equal(sizes[0], 100)
    assert.ok(sizes.length === 3 && sizes.every((size) => size <= 100), sizes.join())
    const endpoints = listed.map(({ Endpoint }) => Endpoint ?? '')
    assert.equal(new Set(endpoints).size, endpoints.length)
    assert.equal(endpoints.filter((endpoint) => !endpoint.includes('later')).length, 205)

    const own = await listOwn()
    assert.equal(own.filter((one) => one.TopicArn === TopicArn).length, 208)
    await sns.send(new DeleteTopicCommand({ TopicArn }))
    assert.equal((await listOwn()).filter((one) => one.TopicArn === TopicArn).length, 0)
  })

  test('are of one region, and empty where there is nothing', async () => {
    const TopicArn = await createTopic(sns)
    const { Subscriptions, NextToken } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }))
    assert.deepEqual([Subscriptions, NextToken], [[], undefined])
    await subscribeMany(TopicArn, 1)
    const elsewhere = new SNSClient({ ...client.stack.clientConfig, region: 'eu-west-1' })
    assert.deepEqual((await elsewhere.send(new ListSubscriptionsCommand())).Subscriptions, [])
    const there = await createTopic(elsewhere)
    await elsewhere.send(new SubscribeCommand({ TopicArn: there, Protocol: 'http', Endpoint: subscriber.url }))
    const { Subscriptions: listed = [] } = await elsewhere.send(new ListSubscriptionsCommand())
    assert.deepEqual(
      listed.map((one) => one.TopicArn),
      [there],
    )
    elsewhere.destroy()
    assert.ok((await listOwn()).every((one) => one.TopicArn !== there))
  })

  test('are refused for topics and tokens that cannot be', async () => {
    const TopicArn = await createTopic(sns)
    await subscribeMany(TopicArn, 101)
    const { NextToken: token = '' } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }))
    const { NextToken: ownToken = '' } = await sns.send(new ListSubscriptionsCommand())
    assert.ok(token !== '' && ownToken !== '')
    const badToken = { status: 400, code: 'InvalidParameter', message: 'Invalid parameter: NextToken' }
    const invalid = (message: string) => ({ status: 400, code: 'InvalidParameter', message })
    await untilFinished(client.stack, 60_000)
    await client.assertHarmless(async () => {
      const byTopic = { Action: 'ListSubscriptionsByTopic', TopicArn }
      for (const NextToken of ['x', token.slice(1), `${token}=`, '🙂', Buffer.from('1:x').toString('base64')]) {
        client.assertRefused(await client.call({ ...byTopic, NextToken }), badToken, NextToken)
        client.assertRefused(await client.call({ Action: 'ListSubscriptions', NextToken }), badToken, NextToken)
      }
      const ofAnother = { ...byTopic, TopicArn: client.plainTopic, NextToken: token }
      client.assertRefused(await client.call(ofAnother), badToken, 'the token of another topic')
      const rows: [arn: string | undefined, message: string][] = [
        [undefined, 'Invalid parameter: TopicArn Reason: no value for required parameter'],
        ['', 'Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1'],
        [`${TopicArn}:x`, 'Invalid parameter: TopicArn'],
        [TopicArn.replace('us-east-1', 'eu-west-1'), 'Invalid parameter: TopicArn'],
      ]
      for (const [arn, message] of rows) {
        const parameters = { Action: 'ListSubscriptionsByTopic', ...(arn === undefined ? {} : { TopicArn: arn }) }
        client.assertRefused(await client.call(parameters), invalid(message), String(arn))
      }
      const missing = { status: 404, code: 'NotFound', message: 'Topic does not exist' }
      client.assertRefused(await client.call({ ...byTopic, TopicArn: `${TopicArn}x` }), missing, 'no such topic')
      const foreign = TopicArn.replace('000000000000', '111111111111')
      const denied = { status: 403, code: 'AuthorizationError', message: /SNS:ListSubscriptionsByTopic/ }
      client.assertRefused(await client.call({ ...byTopic, TopicArn: foreign }), denied, 'a foreign topic')
    })
    // An empty token is none: the first page.
    assert.equal((await client.call({ Action: 'ListSubscriptions', NextToken: '' })).status, 200)
  })

  async function subscribeMany(TopicArn: string, count: number, name = 'n'): Promise<void> {
    await Promise.all(
      Array.from({ length: count }, (_, n) =>
        sns.send(new SubscribeCommand({ TopicArn, Protocol: 'http', Endpoint: `${subscriber.url}${name}${n}` })),
      ),
    )
  }

  async function listByTopic(TopicArn: string): Promise<Subscription[]> {
    const listed: Subscription[] = []
    for await (const page of paginateListSubscriptionsByTopic({ client: sns }, { TopicArn })) {
      listed.push(...(page.Subscriptions ?? []))
    }
    return listed
  }

  async function listOwn(): Promise<Subscription[]> {
    const listed: Subscription[] = []
    for await (const page of paginateListSubscriptions({ client: sns }, {})) listed.push(...(page.Subscriptions ?? []))
    return listed
  }
})

function byEndpoint(a: Subscription, b: Subscription): number {
  return String(a.Endpoint) < String(b.Endpoint) ? -1 : 1
}
