/** What endpoints receive besides SNS's usual JSON: raw bodies, other content types, a text for each protocol. */

import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { PublishCommand, SetTopicAttributesCommand, type SNSClient, UnsubscribeCommand } from '@aws-sdk/client-sns'
import {
  createKey,
  createTopic,
  kmsClient,
  publish,
  readAuthority,
  snsClient,
  trustStack,
  untilFinished,
} from './messaging.ts'
import { type Stack, startStack } from './start-stack.ts'
import { deliveriesTo, setAttribute, subscribeAt } from './subscriptions-at.ts'
import { type ReceivedRequest, startTestSubscriber, type TestSubscriber, verifySignature } from './test-subscriber.ts'

const DEFAULT_TYPE = 'text/plain; charset=UTF-8'
const ANY_TYPES = ['application/json', 'text/plain']
const RAW_TYPES = [
  'text/css',
  'text/csv',
  'text/html',
  'text/xml',
  'application/atom+xml',
  'application/octet-stream',
  'application/soap+xml',
  'application/x-www-form-urlencoded',
  'application/xhtml+xml',
  'application/xml',
]

/** What a careless step on the way would change. */
const TEXTS: Readonly<Record<string, string>> = {
  'line ends of every kind': 'a\r\nb\nc\rd\u2028e\u2029f\u0085g\n',
  'characters of one to four bytes': 'A\u007f\u0080\u07ff\u0800\ud7ff\ue000\ufffd\u{10000}\u{1f34a}\u{10fffd}',
  'a family of emoji': '\u{1f469}\u200d\u{1f469}\u200d\u{1f467}',
  'a byte order mark at its start': '\ufeff{"a":1}',
  'composed and decomposed': '\u00e9 e\u0301',
  'JSON that looks like a notification': '{ "Type" : "Notification", "Message" : "x" }',
  'blanks around': ' \t x \t ',
  'what URLs and HTML escape': '%41+&amp;<b>\\u0041"\'',
}

suite('a delivery', () => {
  let stack: Stack
  let sns: SNSClient
  let keyArn: string
  let https: TestSubscriber
  let http: TestSubscriber

  before(async () => {
    stack = await startStack()
    trustStack(stack)
    sns = snsClient(stack)
    const kms = kmsClient(stack)
    keyArn = await createKey(kms)
    kms.destroy()
    https = await startTestSubscriber({ authority: readAuthority(stack) })
    http = await startTestSubscriber({})
  })

  after(async () => {
    sns.destroy()
    for (const part of [http, https, stack]) await part[Symbol.asyncDispose]()
  })

  suite('with RawMessageDelivery', () => {
    for (const protocol of ['http', 'https'] as const) {
      test(`is the text alone over ${protocol}, unsigned, without subject and attributes`, async () => {
        const subscriber = protocol === 'http' ? http : https
        const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
        const arn = await subscribeAt(subscriber, { sns, topicArn, attributes: { RawMessageDelivery: 'true' } })
        const { MessageId: messageId } = await sns.send(
          new PublishCommand({
            TopicArn: topicArn,
            Message: 'bare words',
            Subject: 'Not to be seen',
            MessageAttributes: { hidden: { DataType: 'String', StringValue: 'attribute' } },
          }),
        )
        const { bytes, headers } = await received(subscriber, arn, 1)
        assert.equal(bytes.toString(), 'bare words')
        const { host, connection, ...rest } = headers
        assert.equal(host, new URL(subscriber.url).host)
        assert.match(connection ?? 'keep-alive', /^keep-alive$/i)
        assert.deepEqual(rest, {
          'x-amz-sns-message-type': 'Notification',
          'x-amz-sns-message-id': messageId,
          'x-amz-sns-topic-arn': topicArn,
          'x-amz-sns-subscription-arn': arn,
          'x-amz-sns-rawdelivery': 'true',
          'content-type': DEFAULT_TYPE,
          'content-length': '10',
          'user-agent': 'Amazon Simple Notification Service Agent',
          'accept-encoding': 'gzip,deflate',
        })
        assert.ok(!JSON.stringify(headers).includes('Not to be seen'))
      })
    }

    test('changes no byte of the text, whichever it is, up to 256 KiB', async () => {
      const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn })
      const raw = await subscribeAt(https, { sns, topicArn, query: 'raw', attributes: { RawMessageDelivery: 'true' } })
      const usual = await subscribeAt(https, { sns, topicArn, query: 'usual' })
      const largest = '\u{1f34a}\r\n'.repeat(43_690).padEnd(43_690 * 4 + 4, '!!!!')
      assert.equal(Buffer.byteLength(largest), 262_144)
      const texts = new Map<string, string>()
      for (const text of [...Object.values(TEXTS), largest]) texts.set(await publish(sns, topicArn, text), text)
      for (const arn of [raw, usual]) await received(https, arn, texts.size)
      for (const [messageId, text] of texts) {
        const of = (arn: string) => deliveriesTo(https, arn).find(({ headers }) => isOf(headers, messageId))
        assert.ok(of(raw)?.bytes.equals(Buffer.from(text)), text.slice(0, 100))
        assert.equal(of(usual)?.json.Message, text)
      }
    })

    test('is turned on and off for the next message, and never for confirmations', async () => {
      const topicArn = await createTopic(sns)
      const arn = await subscribeAt(https, { sns, topicArn, attributes: { RawMessageDelivery: 'true' } })
      const [confirmation] = https.received.filter(({ json }) => json.TopicArn === topicArn)
      assert.equal(confirmation?.json.Type, 'SubscriptionConfirmation')
      assert.equal(confirmation.headers['x-amz-sns-rawdelivery'], undefined)
      for (const [n, raw] of [true, false, true, false].entries()) {
        await setAttribute(sns, { arn, name: 'RawMessageDelivery', value: String(raw) })
        await publish(sns, topicArn, `message ${n}`)
        const { body, json, headers } = await received(https, arn, n + 1)
        assert.equal(headers['x-amz-sns-rawdelivery'], raw ? 'true' : undefined)
        assert.equal(raw ? body : json.Message, `message ${n}`)
      }
      await setAttribute(sns, { arn, name: 'RawMessageDelivery', value: 'true' })
      const link = deliveriesTo(https, arn).findLast(({ json }) => json.UnsubscribeURL !== undefined)
      await fetch(link?.json.UnsubscribeURL ?? '')
      const isFarewell = ({ json }: ReceivedRequest) =>
        json.Type === 'UnsubscribeConfirmation' && json.TopicArn === topicArn
      await https.until((all) => all.some(isFarewell))
      const farewell = https.received.find(isFarewell)
      assert.equal(farewell?.headers['x-amz-sns-rawdelivery'], undefined)
      assert.equal(farewell?.headers['x-amz-sns-subscription-arn'], arn)
    })
  })

  test('has the content type of its request policy where the body can have it, and confirmations never', async () => {
    const topicArn = await createTopic(sns)
    const types = [...ANY_TYPES, ...RAW_TYPES]
    const arns = new Map<string, string>()
    for (const type of types) {
      const attributes = { RawMessageDelivery: 'true', DeliveryPolicy: JSON.stringify(requestPolicy(type)) }
      arns.set(type, await subscribeAt(https, { sns, topicArn, query: type, attributes }))
    }
    const confirmations = https.received.filter(({ json }) => json.TopicArn === topicArn)
    assert.equal(confirmations.length, types.length)
    for (const { headers } of confirmations) assert.equal(headers['content-type'], DEFAULT_TYPE)

    await publish(sns, topicArn, 'raw')
    for (const [type, arn] of arns) assert.equal(contentTypeOf(await received(https, arn, 1)), type)
    for (const arn of arns.values()) await setAttribute(sns, { arn, name: 'RawMessageDelivery', value: 'false' })
    await publish(sns, topicArn, 'not raw')
    for (const [type, arn] of arns) {
      const notification = await received(https, arn, 2)
      assert.equal(notification.json.Message, 'not raw')
      assert.equal(contentTypeOf(notification), ANY_TYPES.includes(type) ? type : DEFAULT_TYPE)
    }
    for (const arn of arns.values()) await sns.send(new UnsubscribeCommand({ SubscriptionArn: arn }))
  })

  test('has the content type of its topic unless it has its own or none may', async () => {
    const topicArn = await createTopic(sns)
    const setTopic = (http: object) =>
      sns.send(
        new SetTopicAttributesCommand({
          TopicArn: topicArn,
          AttributeName: 'DeliveryPolicy',
          AttributeValue: JSON.stringify({ http }),
        }),
      )
    const own = await subscribeAt(https, { sns, topicArn, query: 'own' })
    const none = await subscribeAt(https, { sns, topicArn, query: 'none' })
    await setAttribute(sns, { arn: own, name: 'DeliveryPolicy', value: requestPolicy('text/plain') })
    const defaultRequestPolicy = { headerContentType: 'application/json' }
    const steps: [http: object, own: string, none: string][] = [
      [{ defaultRequestPolicy }, 'text/plain', 'application/json'],
      [{ defaultRequestPolicy, disableSubscriptionOverrides: true }, 'application/json', 'application/json'],
      [{}, 'text/plain', DEFAULT_TYPE],
    ]
    for (const [n, [http, ofOwn, ofNone]] of steps.entries()) {
      await setTopic(http)
      await publish(sns, topicArn, `step ${n}`)
      assert.equal(contentTypeOf(await received(https, own, n + 1)), ofOwn)
      assert.equal(contentTypeOf(await received(https, none, n + 1)), ofNone)
    }
  })

  suite('of a message with a text for each protocol', () => {
    const rows: [name: string, message: Record<string, unknown>, http: string, https: string][] = [
      [
        'one for each',
        { default: 'd', http: 'for http', https: 'f\u00fcr https \u{1f34a}' },
        'for http',
        'f\u00fcr https \u{1f34a}',
      ],
      ['the default for who has none', { default: 'd', https: 's' }, 'd', 's'],
      ['the default for all', { default: 'd', sqs: 'q', email: 'm' }, 'd', 'd'],
      ['the same text twice', { default: 'd', http: 'same', https: 'same' }, 'same', 'same'],
      ['an empty one', { default: 'd', http: '', https: 's' }, '', 's'],
      ['an empty default', { default: '', https: 's' }, '', 's'],
      ['no string', { default: 'd', http: { a: 1 }, https: 5 }, 'd', 'd'],
      ['a default that is none', { default: 17, https: 's' }, '17', 's'],
    ]
    for (const signatureVersion of ['1', '2'] as const) {
      test(`is its own, signed with version ${signatureVersion}, or raw`, async () => {
        const topicArn = await createTopic(sns, { KmsMasterKeyId: keyArn, SignatureVersion: signatureVersion })
        const ofHttp = await subscribeAt(http, { sns, topicArn })
        const ofHttps = await subscribeAt(https, { sns, topicArn })
        const attributes = { RawMessageDelivery: 'true' }
        const rawHttp = await subscribeAt(http, { sns, topicArn, query: 'raw', attributes })
        const rawHttps = await subscribeAt(https, { sns, topicArn, query: 'raw', attributes })
        const { host } = new URL(stack.clientConfig.endpoint)
        for (const [n, [name, message, textOfHttp, textOfHttps]] of rows.entries()) {
          const Message = JSON.stringify(message)
          await sns.send(new PublishCommand({ TopicArn: topicArn, Message, MessageStructure: 'json', Subject: name }))
          const signed: [TestSubscriber, arn: string, text: string][] = [
            [http, ofHttp, textOfHttp],
            [https, ofHttps, textOfHttps],
          ]
          for (const [subscriber, arn, text] of signed) {
            const notification = await received(subscriber, arn, n + 1)
            assert.equal(notification.json.Message, text, name)
            assert.equal(notification.json.Subject, name)
            await verifySignature(notification, host)
          }
          assert.equal((await received(http, rawHttp, n + 1)).bytes.toString(), textOfHttp, name)
          assert.equal((await received(https, rawHttps, n + 1)).bytes.toString(), textOfHttps, name)
        }
      })
    }
  })

  test('of any form leaves nothing', () => untilFinished(stack))
})

/** The last of so many deliveries to a subscription. */
async function received(subscriber: TestSubscriber, arn: string, count: number): Promise<ReceivedRequest> {
  await subscriber.until(() => deliveriesTo(subscriber, arn).length >= count, 30_000)
  const all = deliveriesTo(subscriber, arn)
  const last = all.at(-1)
  assert.ok(last !== undefined && all.length === count, `${all.length} deliveries, not ${count}`)
  return last
}

function isOf(headers: ReceivedRequest['headers'], messageId: string): boolean {
  return headers['x-amz-sns-message-id'] === messageId
}

function contentTypeOf({ headers }: ReceivedRequest): string | undefined {
  return headers['content-type']
}

function requestPolicy(headerContentType: string): object {
  return { requestPolicy: { headerContentType } }
}
