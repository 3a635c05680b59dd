/** The life of a subscription, by links as endpoints use them and by signed calls. */

import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import {
  ConfirmSubscriptionCommand,
  CreateTopicCommand,
  DeleteTopicCommand,
  GetTopicAttributesCommand,
  type SNSClient,
  SubscribeCommand,
  UnsubscribeCommand,
} from '@aws-sdk/client-sns'
import {
  createTopic,
  publish,
  readAuthority,
  snsClient,
  subscribeAndConfirm,
  trustStack,
  untilFinished,
} from './messaging.ts'
import { type Stack, startStack } from './start-stack.ts'
import { startTestSubscriber, type TestSubscriber, verifySignature } from './test-subscriber.ts'

suite('a subscription', () => {
  let stack: Stack
  let sns: SNSClient

  before(async () => {
    stack = await startStack()
    trustStack(stack)
    sns = snsClient(stack)
  })

  after(async () => {
    sns.destroy()
    await stack[Symbol.asyncDispose]()
  })

  test('is pending, gets nothing, and each Subscribe again sends a fresh token; both tokens confirm', async () => {
    const topicArn = await createTopic(sns)
    await using subscriber = await startTestSubscriber({ authority: readAuthority(stack) })
    const request = { TopicArn: topicArn, Protocol: 'https', Endpoint: subscriber.url }
    const first = await sns.send(new SubscribeCommand(request))
    assert.equal(first.SubscriptionArn, 'pending confirmation')
    const second = await sns.send(new SubscribeCommand({ ...request, ReturnSubscriptionArn: true }))
    assert.match(second.SubscriptionArn ?? '', new RegExp(`^${topicArn}:[0-9a-f-]{36}$`))
    await publish(sns, topicArn, 'too early')
    await untilFinished(stack)
    const confirmations = await subscriber.receive('SubscriptionConfirmation', 2)
    const tokens = confirmations.map(({ json }) => json.Token ?? '')
    assert.notEqual(tokens[0], tokens[1])
    assert.deepEqual(await counts(topicArn), { pending: '1', confirmed: '0', deleted: '0' })
    for (const token of tokens) {
      const confirmed = await sns.send(new ConfirmSubscriptionCommand({ TopicArn: topicArn, Token: token }))
      assert.equal(confirmed.SubscriptionArn, second.SubscriptionArn)
    }
    assert.deepEqual(await counts(topicArn), { pending: '0', confirmed: '1', deleted: '0' })
    const again = await sns.send(new SubscribeCommand(request))
    assert.equal(again.SubscriptionArn, second.SubscriptionArn)
    assert.deepEqual(notifications(subscriber), [])
  })

  test('ended by the link in a notification can be restored by the link in its confirmation', async () => {
    const topicArn = await createTopic(sns)
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    await publish(sns, topicArn, 'first')
    const [notification] = await subscriber.receive('Notification', 1)
    for (let visit = 0; visit < 3; visit++) await visitLink(notification?.json.UnsubscribeURL)
    const [farewell] = await subscriber.receive('UnsubscribeConfirmation', 1)
    assert.ok(farewell && notification)
    await verifySignature(notification, new URL(stack.clientConfig.endpoint).host)
    assert.match(farewell.json.Message ?? '', /^You have chosen to deactivate subscription arn:/)
    assert.deepEqual(await counts(topicArn), { pending: '0', confirmed: '0', deleted: '1' })
    await publish(sns, topicArn, 'while away')
    await untilFinished(stack)
    await visitLink(farewell.json.SubscribeURL)
    await publish(sns, topicArn, 'back again')
    await subscriber.receive('Notification', 2)
    await untilFinished(stack)
    assert.deepEqual(notifications(subscriber), ['first', 'back again'])
    assert.equal(
      subscriber.received.filter(({ json }) => json.Type === 'UnsubscribeConfirmation').length,
      1,
      'visiting the link again sends nothing',
    )
  })

  test('ended by its owner is gone, without a word to the endpoint', async () => {
    const topicArn = await createTopic(sns)
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    const { SubscriptionArn: arn } = await sns.send(
      new SubscribeCommand({ TopicArn: topicArn, Protocol: 'https', Endpoint: subscriber.url }),
    )
    await sns.send(new UnsubscribeCommand({ SubscriptionArn: arn }))
    await sns.send(new UnsubscribeCommand({ SubscriptionArn: arn }))
    await publish(sns, topicArn, 'nobody listens')
    await untilFinished(stack)
    assert.deepEqual(await counts(topicArn), { pending: '0', confirmed: '0', deleted: '0' })
    assert.equal(subscriber.received.length, 1)
  })

  test('over plain HTTP works the same for an unsealed topic', async () => {
    const topicArn = await createTopic(sns)
    await using subscriber = await startTestSubscriber({})
    await sns.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: 'http', Endpoint: subscriber.url }))
    const [confirmation] = await subscriber.receive('SubscriptionConfirmation', 1)
    await visitLink(confirmation?.json.SubscribeURL)
    await publish(sns, topicArn, 'in clear')
    const [notification] = await subscriber.receive('Notification', 1)
    assert.equal(notification?.json.Message, 'in clear')
  })

  test('goes with its topic; a topic made again under the name has none of it', async () => {
    const topicArn = await createTopic(sns)
    await using subscriber = await subscribeAndConfirm(stack, { sns, topicArn })
    await sns.send(new DeleteTopicCommand({ TopicArn: topicArn }))
    await assert.rejects(publish(sns, topicArn, 'to nowhere'), { name: 'NotFoundException' })
    await sns.send(new DeleteTopicCommand({ TopicArn: topicArn }))
    await sns.send(new CreateTopicCommand({ Name: topicArn.split(':').at(-1) ?? '' }))
    await publish(sns, topicArn, 'to the new topic')
    await untilFinished(stack)
    assert.deepEqual(notifications(subscriber), [])
    const [confirmation] = await subscriber.receive('SubscriptionConfirmation', 1)
    const stale = await fetch(confirmation?.json.SubscribeURL ?? '')
    assert.equal(stale.status, 400)
    assert.match(await stale.text(), /<Message>Invalid parameter: Token<\/Message>/)
  })

  async function counts(topicArn: string) {
    const { Attributes: found } = await sns.send(new GetTopicAttributesCommand({ TopicArn: topicArn }))
    return {
      pending: found?.SubscriptionsPending,
      confirmed: found?.SubscriptionsConfirmed,
      deleted: found?.SubscriptionsDeleted,
    }
  }

  async function visitLink(url: string | undefined): Promise<void> {
    const response = await fetch(url ?? '')
    assert.equal(response.status, 200, await response.text())
  }
})

function notifications(subscriber: TestSubscriber): (string | undefined)[] {
  return subscriber.received.filter(({ json }) => json.Type === 'Notification').map(({ json }) => json.Message)
}
