/** Parameters that are malformed, unknown, not supported or against a rule: SNS's code and status, nothing stored. */

import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import {
  type Expected,
  formOf,
  type HostileClient,
  MARK,
  type ParameterList,
  startHostileClient,
} from './hostile-client.ts'
import { signedForm } from './raw-request.ts'

const malformedQuery: Expected = { status: 404, code: 'MalformedQueryString' }
const duplicate: Expected = { status: 400, code: 'InvalidQueryParameter' }
const missingAction: Expected = { status: 400, code: 'MissingAction' }
const invalidAction: Expected = { status: 400, code: 'InvalidAction' }
const invalidParameter: Expected = { status: 400, code: 'InvalidParameter' }
const validationError: Expected = { status: 400, code: 'ValidationError' }
const valueInvalid: Expected = { status: 400, code: 'ParameterValueInvalid' }

suite('bad input', () => {
  let client: HostileClient

  before(async () => {
    client = await startHostileClient()
  })

  after(async () => {
    await client[Symbol.asyncDispose]()
  })

  test('that cannot be decoded is refused', async () => {
    const publish = () => `Action=Publish&TopicArn=${client.plainTopic}&Message=${MARK}`
    const rows: [string, string | Uint8Array, Expected][] = [
      ['a percent sign alone', `${publish()}%`, malformedQuery],
      ['a cut escape', `${publish()}%4`, malformedQuery],
      ['an escape of no hex digits', `${publish()}%zz`, malformedQuery],
      ['a lone surrogate', `${publish()}%ED%A0%80`, malformedQuery],
      ['an overlong slash', `${publish()}%C0%AF`, malformedQuery],
      ['a cut UTF-8 sequence', `${publish()}%E2%82`, malformedQuery],
      ['a byte that UTF-8 never has', `${publish()}%FF`, malformedQuery],
      ['a code point beyond Unicode', `${publish()}%F4%90%80%80`, malformedQuery],
      ['NUL in a value', `${publish()}%00`, malformedQuery],
      ['NUL in a name', `${publish()}&a%00b=c`, malformedQuery],
      ['raw bytes that are no UTF-8', Buffer.concat([Buffer.from(publish()), Buffer.of(0xff, 0xfe)]), malformedQuery],
      ['UTF-16', Buffer.from(publish(), 'utf16le'), malformedQuery],
      ['a compressed body', gzipSync(publish()), malformedQuery],
      ['a parameter without a name', `${publish()}&=x`, malformedQuery],
      ['5,000 parameters', publish() + manyParameters(5000), malformedQuery],
      ['Action twice', `Action=ListTopics&${publish()}`, duplicate],
      ['Message twice', `${publish()}&Message=other`, duplicate],
      ['one name in two spellings', `${publish()}&Messag%65=other`, duplicate],
      ['an unknown parameter twice', `${publish()}&x=1&x=1`, duplicate],
      ['nothing', '', missingAction],
      ['an empty action', 'Action=&Message=x', missingAction],
      ['an action in lower case', publish().replace('Action', 'action'), missingAction],
      ['JSON', JSON.stringify({ QueueUrl: 'https://localhost/q', MessageBody: MARK }), missingAction],
      ['multipart', `--b\r\nContent-Disposition: form-data; name="Action"\r\n\r\nPublish\r\n--b--`, missingAction],
    ]
    await client.assertHarmless(async () => {
      for (const plain of [false, true]) {
        for (const [what, body, expected] of rows) {
          client.assertRefused(await client.call(body, { plain }), expected, what)
        }
      }
    })
  })

  test('in the URL is refused alike, and one name there and in the body as well', async () => {
    const publish = () => ({ Action: 'Publish', TopicArn: client.plainTopic, Message: MARK })
    const rows: [string, string, string, Expected][] = [
      ['bad percent-encoding', `${formOf(publish())}%zz`, '', malformedQuery],
      ['invalid UTF-8', `${formOf(publish())}%ED%A0%80`, '', malformedQuery],
      ['a name twice', `${formOf(publish())}&Message=x`, '', duplicate],
      ['a name in both', formOf(publish()), 'Message=other', duplicate],
      ['an action in both', 'Action=ListTopics', formOf(publish()), duplicate],
      ['no action', 'Message=x', '', missingAction],
    ]
    await client.assertHarmless(async () => {
      for (const [what, query, body, expected] of rows) {
        const { credentials } = client.stack.clientConfig
        const request = signedForm(`${client.httpsUrl}?${query}`, body, credentials)
        client.assertRefused(await client.send(request), expected, what)
      }
    })
  })

  test('names no action that is served', async () => {
    const withheld = [
      ...['TagResource', 'UntagResource', 'ListTagsForResource'],
      ...['GetDataProtectionPolicy', 'PutDataProtectionPolicy', 'SetSMSAttributes', 'CreatePlatformEndpoint'],
    ]
    const unknown = [
      'publish',
      'Publish ',
      'Nonsense',
      '__proto__',
      'constructor',
      'toString',
      'GetFederationTokens',
      '<a>',
    ]
    await client.assertHarmless(async () => {
      for (const Action of withheld) {
        const expected = { ...invalidAction, message: `Operation (${Action}) is not supported in this region` }
        client.assertRefused(await client.call({ Action, TopicArn: client.plainTopic }), expected, Action)
      }
      for (const Action of unknown) {
        client.assertRefused(await client.call({ Action, TopicArn: client.plainTopic }), invalidAction, Action)
      }
      const wrongVersion = { Action: 'Publish', TopicArn: client.plainTopic, Message: MARK, Version: '2012-11-05' }
      client.assertRefused(await client.call(wrongVersion), invalidAction, 'the version of another API')
    })
  })

  test('is ignored where SNS ignores it: parameters that nobody knows, whatever their names', async () => {
    for (const name of ['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'X-Amz-Nonsense', 'a b', '日本']) {
      const response = await client.call({ Action: 'ListTopics', Version: '2010-03-31', [name]: 'x' })
      assert.equal(response.status, 200, name)
    }
    for (const parameters of [
      { Action: 'GetTopicAttributes', topicarn: client.plainTopic },
      { Action: 'GetTopicAttributes', TOPICARN: client.plainTopic },
      { Action: 'GetTopicAttributes', ' TopicArn': client.plainTopic },
    ]) {
      client.assertRefused(await client.call(parameters), invalidParameter, JSON.stringify(parameters))
    }
  })

  test('in an ARN is refused before anything is looked up', async () => {
    const arns: [string, string][] = [
      ['', 'Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1'],
      ['x', 'Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1'],
      ['arn:aws:sns:us-east-1', 'Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 4'],
      ['arn:aws:sns:us-east-1:000000000000:a:b', 'Invalid parameter: TopicArn'],
      ['arn:aws:sns:us-east-1:000000000000:', 'Invalid parameter: TopicArn'],
      ['arn:aws:sns:us-east-1:000000000000:{t}', 'Invalid parameter: TopicArn'],
      ['arn:aws:sns:us-east-1:000000000000:a\n', 'Invalid parameter: TopicArn'],
      ['arn:aws:sns:us-east-1:00000000000:a', 'Invalid parameter: TopicArn'],
      ['arn:aws:sqs:us-east-1:000000000000:a', 'Invalid parameter: TopicArn'],
      ['arn:aws-cn:sns:us-east-1:000000000000:a', 'Invalid parameter: TopicArn'],
      ['arn:aws:sns:eu-west-1:000000000000:a', 'Invalid parameter: TopicArn'],
      [` ${client.plainTopic}`, 'Invalid parameter: TopicArn'],
      [`arn:aws:sns:us-east-1:000000000000:${'a'.repeat(257)}`, 'Invalid parameter: TopicArn'],
    ]
    const actions: Readonly<Record<string, string>>[] = [
      { Action: 'Publish', Message: MARK },
      { Action: 'PublishBatch' },
      { Action: 'Subscribe', Protocol: 'https', Endpoint: 'https://localhost/' },
      { Action: 'SetTopicAttributes', AttributeName: 'DisplayName', AttributeValue: MARK },
      { Action: 'GetTopicAttributes' },
      { Action: 'DeleteTopic' },
    ]
    await client.assertHarmless(async () => {
      for (const parameters of actions) {
        for (const [TopicArn, message] of arns) {
          const what = `${parameters.Action} of ${TopicArn}`
          client.assertRefused(await client.call({ ...parameters, TopicArn }), { ...invalidParameter, message }, what)
        }
        const absent = 'Invalid parameter: TopicArn Reason: no value for required parameter'
        const expected = parameters.Action === 'Publish' ? invalidParameter : { ...invalidParameter, message: absent }
        client.assertRefused(await client.call(parameters), expected, `${parameters.Action} of nothing`)
      }
    })
  })

  test('in a message is refused', async () => {
    const attribute = (name: string, dataType: string | undefined, field: string, value: string) => ({
      Message: MARK,
      'MessageAttributes.entry.1.Name': name,
      ...(dataType === undefined ? {} : { 'MessageAttributes.entry.1.Value.DataType': dataType }),
      [`MessageAttributes.entry.1.Value.${field}Value`]: value,
    })
    const text = (name: string, value = MARK) => attribute(name, 'String', 'String', value)
    const number = (value: string) => attribute('n', 'Number', 'String', value)
    const rows: [string, Readonly<Record<string, string>>, Expected][] = [
      ['no message', {}, validationError],
      ['an empty message', { Message: '' }, { ...invalidParameter, message: 'Invalid parameter: Empty message' }],
      ['a control character', { Message: `${MARK}\u0007` }, invalidParameter],
      ['a character that XML has not', { Message: `${MARK}\uffff` }, invalidParameter],
      [
        'an empty subject',
        { Message: MARK, Subject: '' },
        { ...invalidParameter, message: 'Invalid parameter: Subject' },
      ],
      ['a subject of 101', { Message: MARK, Subject: 'x'.repeat(101) }, invalidParameter],
      ['a subject of 51 emoji', { Message: MARK, Subject: '😀'.repeat(51) }, invalidParameter],
      ['a subject of two lines', { Message: MARK, Subject: 'a\nb' }, invalidParameter],
      ['a tab in a subject', { Message: MARK, Subject: 'a\tb' }, invalidParameter],
      ['an attribute without a type', attribute('a', undefined, 'String', MARK), validationError],
      [
        'an attribute without a name',
        { Message: MARK, 'MessageAttributes.entry.1.Value.DataType': 'String' },
        validationError,
      ],
      ['an empty attribute name', text(''), valueInvalid],
      ['an attribute name of 257', text('a'.repeat(257)), valueInvalid],
      ['a caret in an attribute name', text('a^'), valueInvalid],
      ['an attribute name of dots', text('..'), valueInvalid],
      ['a reserved attribute name', text('aws.x'), valueInvalid],
      ['an empty value', text('a', ''), valueInvalid],
      ['a value in another field', attribute('a', 'Binary', 'String', MARK), valueInvalid],
      ['a value beyond the BMP', text('a', '😀'), invalidParameter],
      ['an unknown type', attribute('a', 'Text', 'String', MARK), valueInvalid],
      ['a type with an empty suffix', attribute('a', 'String.', 'String', MARK), valueInvalid],
      ['no number', number('1,5'), valueInvalid],
      ['a number of 39 digits', number('1'.repeat(39)), valueInvalid],
      ['a number beyond the scale', number('1e127'), valueInvalid],
      ['no base64', attribute('a', 'Binary', 'Binary', 'a_-='), valueInvalid],
      ['an attribute twice', { ...text('a'), ...shifted(text('a'), 2) }, valueInvalid],
      ['attributes from 0', shifted(text('a'), 0), invalidParameter],
      ['attributes with a gap', { ...text('a'), ...shifted(text('b'), 3) }, invalidParameter],
      ['attributes as a text', { Message: MARK, MessageAttributes: '{"a":1}' }, invalidParameter],
    ]
    await client.assertHarmless(async () => {
      for (const topic of [client.plainTopic, client.sealedTopic]) {
        for (const [what, parameters, expected] of rows) {
          const response = await client.call({ Action: 'Publish', TopicArn: topic, ...parameters })
          client.assertRefused(response, expected, what)
        }
      }
    })
  })

  test('in names, values and endpoints is refused', async () => {
    const create = { Action: 'CreateTopic' }
    const set = { Action: 'SetTopicAttributes', TopicArn: client.plainTopic }
    const subscribe = { Action: 'Subscribe', TopicArn: client.plainTopic, Protocol: 'https' }
    const attributes = (key: string, value: string) => ({
      'Attributes.entry.1.key': key,
      'Attributes.entry.1.value': value,
    })
    const rows: [string, ParameterList, Expected][] = [
      ['no name', create, validationError],
      ...['', 'a b', 'a.b', 'a.fifo', 'ä', 'a/b', '{a}', 'a\n', 'x'.repeat(257)].map(
        (Name): [string, ParameterList, Expected] => [
          `the name ${JSON.stringify(Name).slice(0, 20)}`,
          { ...create, Name },
          { ...invalidParameter, message: 'Invalid parameter: Topic Name' },
        ],
      ),
      ['a key without a value', { ...create, Name: 'a', 'Attributes.entry.1.key': 'DisplayName' }, invalidParameter],
      ['a value without a key', { ...create, Name: 'a', 'Attributes.entry.1.value': 'x' }, invalidParameter],
      ['attributes as JSON', { ...create, Name: 'a', Attributes: '{"DisplayName":"x"}' }, invalidParameter],
      [
        'one attribute twice',
        {
          ...create,
          Name: 'a',
          ...attributes('DisplayName', 'a'),
          'Attributes.entry.2.key': 'DisplayName',
          'Attributes.entry.2.value': 'b',
        },
        invalidParameter,
      ],
      ['a long DisplayName', { ...create, Name: 'a', ...attributes('DisplayName', 'x'.repeat(101)) }, invalidParameter],
      ['a SignatureVersion of 3', { ...create, Name: 'a', ...attributes('SignatureVersion', '3') }, invalidParameter],
      ['no attribute name', set, validationError],
      [
        'a long DisplayName to set',
        { ...set, AttributeName: 'DisplayName', AttributeValue: 'x'.repeat(101) },
        invalidParameter,
      ],
      [
        'a key id beyond all bounds',
        { ...set, AttributeName: 'KmsMasterKeyId', AttributeValue: 'x'.repeat(1025) },
        invalidParameter,
      ],
      [
        'an empty SignatureVersion',
        { ...set, AttributeName: 'SignatureVersion', AttributeValue: '' },
        invalidParameter,
      ],
      ['no protocol', { Action: 'Subscribe', TopicArn: client.plainTopic }, validationError],
      ...['sqs', 'lambda', 'firehose', 'email', 'email-json', 'sms', 'application', 'HTTPS', '', 'x'.repeat(1000)].map(
        (Protocol): [string, ParameterList, Expected] => [
          `the protocol ${Protocol.slice(0, 20)}`,
          { ...subscribe, Protocol, Endpoint: 'https://localhost/' },
          { ...invalidParameter, message: /^Invalid parameter: Amazon SNS does not support this protocol string: / },
        ],
      ),
      ...[
        undefined,
        '',
        'localhost',
        'http://localhost/',
        'https://',
        'https://a b/',
        'https://localhost:0x/',
        'https://localhost/\u0001',
      ].map((Endpoint): [string, ParameterList, Expected] => [
        `the endpoint ${Endpoint}`,
        { ...subscribe, ...(Endpoint === undefined ? {} : { Endpoint }) },
        invalidParameter,
      ]),
      [
        'credentials over http',
        { ...subscribe, Protocol: 'http', Endpoint: 'http://user:password@localhost/' },
        invalidParameter,
      ],
      [
        'neither true nor false',
        { ...subscribe, Endpoint: 'https://localhost/', ReturnSubscriptionArn: 'yes' },
        invalidParameter,
      ],
      [
        'a subscription of a topic ARN',
        { Action: 'Unsubscribe', SubscriptionArn: client.plainTopic },
        { ...invalidParameter, message: 'Invalid parameter: SubscriptionId' },
      ],
      ['no subscription', { Action: 'Unsubscribe' }, invalidParameter],
      [
        'a subscription of no UUID',
        { Action: 'Unsubscribe', SubscriptionArn: `${client.plainTopic}:x` },
        invalidParameter,
      ],
    ]
    await client.assertHarmless(async () => {
      for (const [what, parameters, expected] of rows) {
        client.assertRefused(await client.call(parameters), expected, what)
      }
    })
  })

  test('of any kind left neither a text nor a failure of ours in the log', async () => {
    await client.assertQuietLog()
  })
})

/** `&p0=x&p1=x…` */
function manyParameters(count: number): string {
  return Array.from({ length: count }, (_, n) => `&p${n}=x`).join('')
}

/** The same attribute under another index. */
function shifted(parameters: Readonly<Record<string, string>>, index: number): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name.replace('.1.', `.${index}.`), value]),
  )
}
