/**
 * What the AWS SDK sends and reads, against this folder's decoder and encoder: a local HTTP server answers the real client.
 */

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, suite, test } from 'node:test'
import {
  CreateTopicCommand,
  GetTopicAttributesCommand,
  ListTopicsCommand,
  NotFoundException,
  PublishCommand,
  SNSClient,
  SNSServiceException,
  TagResourceCommand,
} from '@aws-sdk/client-sns'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { decodeParameters } from './decode-parameters.ts'
import { encodeError, encodeResponse } from './encode-response.ts'
import { wireErrorOf } from './error-response.ts'
import { InvalidParameterError, NotFoundError } from './errors.ts'
import { readMessageAttributes } from './message-attributes.ts'
import type { Parameters } from './parameters.ts'
import type { XmlNode } from './xml.ts'

const TOPIC = 'arn:aws:sns:eu-west-1:111122223333:orders'
const REQUEST_ID = '7f0c2a4e-0000-4000-8000-000000000001'

suite('the AWS SDK for JavaScript', () => {
  const server = setup()
  before(server.start)
  after(server.stop)

  test('CreateTopic: sends attributes and tags, reads the ARN and the request id', async () => {
    server.respond([['TopicArn', TOPIC]])
    const output = await server.sns.send(
      new CreateTopicCommand({
        Name: 'orders',
        Attributes: { DisplayName: '', KmsMasterKeyId: 'alias/é +%' },
        Tags: [{ Key: 'team', Value: 'a&b=c' }],
      }),
    )
    assert.equal(output.TopicArn, TOPIC)
    assert.equal(output.$metadata.requestId, REQUEST_ID)
    const sent = server.received()
    assert.deepEqual([sent.action, sent.version, sent.get('Name')], ['CreateTopic', '2010-03-31', 'orders'])
    assert.deepEqual(sent.map('Attributes'), [
      ['DisplayName', ''],
      ['KmsMasterKeyId', 'alias/é +%'],
    ])
    assert.deepEqual(
      sent.structures('Tags').map((tag) => [tag.get('Key'), tag.get('Value')]),
      [['team', 'a&b=c']],
    )
  })

  test('CreateTopic: an empty list and an empty map arrive as empty', async () => {
    server.respond([['TopicArn', TOPIC]])
    await server.sns.send(new CreateTopicCommand({ Name: 'orders', Attributes: {}, Tags: [] }))
    assert.equal(server.received().get('Tags'), '')
    assert.deepEqual(server.received().structures('Tags'), [])
    assert.deepEqual(server.received().map('Attributes'), [])
  })

  test('ListTopics: reads members and the token, and an empty list as empty', async () => {
    const members = ['a', 'b'].map((name) => ['member', [['TopicArn', `${TOPIC}-${name}`]]] as const)
    server.respond([
      ['Topics', members],
      ['NextToken', 'next'],
    ])
    const page = await server.sns.send(new ListTopicsCommand({}))
    assert.deepEqual(page.Topics, [{ TopicArn: `${TOPIC}-a` }, { TopicArn: `${TOPIC}-b` }])
    assert.equal(page.NextToken, 'next')

    server.respond([['Topics', []]])
    const last = await server.sns.send(new ListTopicsCommand({}))
    assert.deepEqual(last.Topics, [])
    assert.equal(last.NextToken, undefined)
  })

  test('GetTopicAttributes: reads every text as it was, but for what XML cannot carry', async () => {
    const attributes: Record<string, string> = {
      Policy: '{"Version":"2008-10-17","Statement":[{"Resource":"*<>&\'"}]}',
      DisplayName: '',
      Unicode: 'é 😀 \u0085',
      Blanks: ' a\tb\r\nc\n ',
      Number: '007',
      Entity: '&amp; &#65;',
    }
    const entries = Object.entries({ ...attributes, Unfit: 'a\0b\ud800c' }).map(
      ([key, value]) =>
        [
          'entry',
          [
            ['key', key],
            ['value', value],
          ],
        ] as const,
    )
    server.respond([['Attributes', entries]])
    const output = await server.sns.send(new GetTopicAttributesCommand({ TopicArn: TOPIC }))
    assert.deepEqual(output.Attributes, { ...attributes, Unfit: 'a\ufffdb\ufffdc' })
  })

  test('Publish: message and attributes arrive unchanged', async () => {
    server.respond([['MessageId', 'm-1']])
    const message = `a+b %41 &=?\u007f~*'()!\r\n\té😀"<${'x'.repeat(2_000)}`
    const output = await server.sns.send(
      new PublishCommand({
        TopicArn: TOPIC,
        Subject: 'Order "7"',
        Message: message,
        MessageAttributes: {
          kind: { DataType: 'String', StringValue: 'new & old' },
          bytes: { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 255, 254, 62, 63) },
          price: { DataType: 'Number', StringValue: '0001.230' },
        },
      }),
    )
    assert.equal(output.MessageId, 'm-1')
    const sent = server.received()
    assert.deepEqual([sent.get('TopicArn'), sent.get('Subject'), sent.get('Message')], [TOPIC, 'Order "7"', message])
    assert.deepEqual(readMessageAttributes(sent), [
      { name: 'kind', dataType: 'String', value: 'new & old' },
      { name: 'bytes', dataType: 'Binary', value: Buffer.of(0, 255, 254, 62, 63).toString('base64') },
      { name: 'price', dataType: 'Number', value: '0001.230' },
    ])
  })

  test('TagResource: an empty result element is no error', async () => {
    server.respond([])
    const output = await server.sns.send(
      new TagResourceCommand({ ResourceArn: TOPIC, Tags: [{ Key: 'k', Value: '' }] }),
    )
    assert.equal(output.$metadata.httpStatusCode, 200)
    assert.equal(server.received().structures('Tags')[0]?.get('Value'), '')
  })

  test('errors: reads class, fault, status, text and request id', async () => {
    server.refuse(new NotFoundError('Topic does not exist'))
    const missing = await rejection(server.sns.send(new GetTopicAttributesCommand({ TopicArn: TOPIC })))
    assert.ok(missing instanceof NotFoundException)
    assert.deepEqual(
      [missing.message, missing.$fault, missing.$metadata.httpStatusCode, missing.$metadata.requestId],
      ['Topic does not exist', 'client', 404, REQUEST_ID],
    )

    server.refuse(new InvalidParameterError('Invalid parameter: <a & "b"\r\n\u0001>'))
    const invalid = await rejection(server.sns.send(new GetTopicAttributesCommand({ TopicArn: TOPIC })))
    assert.equal(invalid.name, 'InvalidParameterException')
    assert.equal(invalid.message, 'Invalid parameter: <a & "b"\r\n\ufffd>')

    server.refuse(new Error('not for callers'))
    const internal = await rejection(server.sns.send(new GetTopicAttributesCommand({ TopicArn: TOPIC })))
    assert.deepEqual([internal.name, internal.$metadata.httpStatusCode], ['InternalErrorException', 500])
    assert.ok(!internal.message.includes('not for callers'))
  })

  test('STS GetCallerIdentity: reads the answer in its own namespace', async () => {
    const identity = { UserId: 'AIDAEXAMPLE', Account: '111122223333', Arn: 'arn:aws:iam::111122223333:user/ann' }
    server.respond(Object.entries(identity), 'https://sts.amazonaws.com/doc/2011-06-15/')
    const { $metadata, ...output } = await server.sts.send(new GetCallerIdentityCommand({}))
    assert.deepEqual(output, identity)
    assert.equal($metadata.requestId, REQUEST_ID)
    assert.equal(server.received().action, 'GetCallerIdentity')
  })
})

async function rejection(call: Promise<unknown>): Promise<SNSServiceException> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof SNSServiceException)
  return error
}

function setup() {
  let answer: (request: Parameters) => { status: number; xml: string } = () => assert.fail('no answer prepared')
  let last: Parameters | undefined
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    last = decodeParameters({
      query: request.url?.split('?')[1] ?? '',
      body: Buffer.concat(chunks),
      hasFormBody: request.headers['content-type'] === 'application/x-www-form-urlencoded',
    })
    const { status, xml } = answer(last)
    response.writeHead(status, { 'Content-Type': 'text/xml', 'x-amzn-RequestId': REQUEST_ID }).end(xml)
  })
  const clients: { sns?: SNSClient; sts?: STSClient } = {}
  return {
    async start() {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as AddressInfo
      const options = {
        endpoint: `http://127.0.0.1:${port}`,
        region: 'eu-west-1',
        credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'example' },
        maxAttempts: 1,
      }
      clients.sns = new SNSClient(options)
      clients.sts = new STSClient(options)
    },
    async stop() {
      clients.sns?.destroy()
      clients.sts?.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
    get sns() {
      return clients.sns ?? assert.fail('not started')
    },
    get sts() {
      return clients.sts ?? assert.fail('not started')
    },
    received: () => last ?? assert.fail('nothing received'),
    respond(result: XmlNode | undefined, namespace?: string) {
      answer = ({ action = '' }) => ({
        status: 200,
        xml: encodeResponse({ action, result, requestId: REQUEST_ID, namespace }),
      })
    },
    refuse(error: Error) {
      const wire = wireErrorOf(error)
      answer = () => ({ status: wire.status, xml: encodeError({ ...wire, requestId: REQUEST_ID }) })
    },
  }
}
