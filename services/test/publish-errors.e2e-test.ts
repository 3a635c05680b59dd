/** Every documented refusal of Publish and PublishBatch that is not about encodings, with SNS's codes and texts. */

import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import {
  type BatchResultErrorEntry,
  PublishBatchCommand,
  type PublishBatchRequestEntry,
  PublishCommand,
  type PublishCommandInput,
  type SNSClient,
  SNSServiceException,
} from '@aws-sdk/client-sns'
import { type Expected, type HostileClient, MARK, startHostileClient } from './hostile-client.ts'
import { createTopic, snsClient } from './messaging.ts'

const MAX_BYTES = 262_144
const GROUP_TEXT =
  'Invalid parameter: The MessageGroupId parameter can only include alphanumeric and punctuation characters. 1 to 128 in length'
const DEDUPLICATION_TEXT =
  'Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type'
const UNPARSED = 'Invalid parameter: Message Structure - JSON message body failed to parse'
const NO_DEFAULT = 'Invalid parameter: Message Structure - No default entry in JSON message body'

/** What is wrong with one message alone: refused by Publish, told beside the others by PublishBatch. */
const messages: readonly (readonly [what: string, Omit<PublishBatchRequestEntry, 'Id'>, text: string | RegExp])[] = [
  ['an empty message', { Message: '' }, 'Invalid parameter: Empty message'],
  ['a control character', { Message: `${MARK}\u0007` }, /^Invalid parameter: Message/],
  ['an empty subject', { Message: MARK, Subject: '' }, 'Invalid parameter: Subject'],
  ['a subject of 101', { Message: MARK, Subject: 'x'.repeat(101) }, 'Invalid parameter: Subject'],
  ['a subject of two lines', { Message: MARK, Subject: 'a\nb' }, 'Invalid parameter: Subject'],
  ['another structure', { Message: '{"default":"x"}', MessageStructure: 'xml' }, 'Invalid parameter: MessageStructure'],
  ['an empty structure', { Message: '{"default":"x"}', MessageStructure: '' }, 'Invalid parameter: MessageStructure'],
  ['a structure that is no JSON', { Message: MARK, MessageStructure: 'json' }, UNPARSED],
  ['a structure that is a list', { Message: '["default"]', MessageStructure: 'json' }, UNPARSED],
  ['a structure without default', { Message: '{"https":"x"}', MessageStructure: 'json' }, NO_DEFAULT],
  ['a default that is an object', { Message: '{"default":{}}', MessageStructure: 'json' }, NO_DEFAULT],
  ['an empty group id', { Message: MARK, MessageGroupId: '' }, GROUP_TEXT],
  ['a group id of 129', { Message: MARK, MessageGroupId: 'g'.repeat(129) }, GROUP_TEXT],
  ['a group id with a blank', { Message: MARK, MessageGroupId: 'a b' }, GROUP_TEXT],
  ['a group id beyond ASCII', { Message: MARK, MessageGroupId: 'é' }, GROUP_TEXT],
  ['a deduplication id', { Message: MARK, MessageDeduplicationId: 'd' }, DEDUPLICATION_TEXT],
]

suite('a refusal', () => {
  let client: HostileClient
  let sns: SNSClient

  before(async () => {
    client = await startHostileClient()
    sns = snsClient(client.stack)
  })

  after(async () => {
    sns.destroy()
    await client[Symbol.asyncDispose]()
  })

  test('of Publish names what is wrong with the message', async () => {
    await client.assertHarmless(async () => {
      for (const TopicArn of [client.plainTopic, client.sealedTopic]) {
        for (const [what, fields, text] of messages) {
          await publishRefused({ TopicArn, ...fields }, 'InvalidParameterException', text, what)
        }
      }
    })
  })

  test('of Publish names what is wrong with the destination', async () => {
    const TopicArn = client.plainTopic
    const several = 'Invalid parameter: TopicArn, TargetArn and PhoneNumber Reason: only one destination may be given'
    const rows: [what: string, Partial<PublishCommandInput>, text: string][] = [
      ['none', {}, 'Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter'],
      ['a topic twice', { TopicArn, TargetArn: TopicArn }, several],
      ['a topic and a phone', { TopicArn, PhoneNumber: '+4930123456' }, several],
      ['a target and a phone', { TargetArn: TopicArn, PhoneNumber: '+4930123456' }, several],
      [
        'a phone',
        { PhoneNumber: '+4930123456' },
        'Invalid parameter: PhoneNumber Reason: +4930123456 is not valid to publish to',
      ],
      [
        'a mobile endpoint',
        { TargetArn: 'arn:aws:sns:us-east-1:000000000000:endpoint/GCM/app/11111111-2222-4333-8444-555555555555' },
        'Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified',
      ],
      [
        'no ARN',
        { TargetArn: 'x' },
        'Invalid parameter: TargetArn Reason: An ARN must have at least 6 elements, not 1',
      ],
      ['another region', { TargetArn: TopicArn.replace('us-east-1', 'eu-west-1') }, 'Invalid parameter: TargetArn'],
    ]
    await client.assertHarmless(async () => {
      for (const [what, destination, text] of rows) {
        await publishRefused({ Message: MARK, ...destination }, 'InvalidParameterException', text, what)
      }
    })
  })

  test('of Publish comes at 262,145 bytes of message and attributes, whatever the subject', async () => {
    const TopicArn = await createTopic(sns)
    const attributes = { kind: { DataType: 'String', StringValue: 'new' } } // 4 + 6 + 3
    const fits = {
      TopicArn,
      Message: 'x'.repeat(MAX_BYTES - 13),
      MessageAttributes: attributes,
      Subject: 's'.repeat(100),
    }
    await sns.send(new PublishCommand(fits))
    await sns.send(new PublishCommand({ TopicArn, Message: 'é'.repeat(MAX_BYTES / 2) }))
    const tooLong = 'Invalid parameter: Message too long'
    const texts = { default: 'x'.repeat(MAX_BYTES) }
    const rows: PublishCommandInput[] = [
      { ...fits, Message: `${fits.Message}x` },
      { TopicArn, Message: `${'é'.repeat(MAX_BYTES / 2)}x` },
      { TopicArn, Message: JSON.stringify(texts), MessageStructure: 'json' },
    ]
    for (const input of rows) await publishRefused(input, 'InvalidParameterException', tooLong, 'one byte more')
  })

  test('of one message of a batch leaves the others alone', async () => {
    const TopicArn = await createTopic(sns)
    for (let at = 0; at < messages.length; at += 8) {
      const bad = messages.slice(at, at + 8)
      const { Successful, Failed } = await sns.send(
        new PublishBatchCommand({
          TopicArn,
          PublishBatchRequestEntries: [
            { Id: 'first', Message: MARK },
            ...bad.map(([, fields], n) => ({ Id: `bad-${n}`, ...fields })),
            { Id: 'last', Message: MARK, MessageGroupId: 'g' },
          ],
        }),
      )
      assert.deepEqual(
        Successful?.map(({ Id }) => Id),
        ['first', 'last'],
      )
      assert.equal(Failed?.length, bad.length)
      for (const [n, [what, , text]] of bad.entries()) {
        const failure: BatchResultErrorEntry | undefined = Failed[n]
        assert.deepEqual(
          [failure?.Id, failure?.Code, failure?.SenderFault],
          [`bad-${n}`, 'InvalidParameter', true],
          what,
        )
        assertText(failure?.Message ?? '', text, what)
      }
    }
  })

  test('of every message of a batch is an answer all the same, and stores nothing', async () => {
    await client.assertHarmless(async () => {
      for (const TopicArn of [client.plainTopic, client.sealedTopic]) {
        const entries = messages.slice(0, 10).map(([, fields], n) => ({ Id: `bad-${n}`, ...fields }))
        const answer = await sns.send(new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries: entries }))
        assert.equal(answer.$metadata.httpStatusCode, 200)
        assert.deepEqual(answer.Successful, [])
        assert.equal(answer.Failed?.length, 10)
      }
    })
  })

  test('of a batch as a whole names the first rule that it breaks', async () => {
    const entry = (Id: string, Message = MARK): PublishBatchRequestEntry => ({ Id, Message })
    const half = 'x'.repeat(MAX_BYTES / 2)
    const attribute = (name: string, DataType: string, StringValue: string) => ({
      MessageAttributes: { [name]: { DataType, StringValue } },
    })
    const longId = 'x'.repeat(81)
    const rows: [what: string, PublishBatchRequestEntry[], name: string, text: string][] = [
      ['no entries', [], 'EmptyBatchRequestException', "The batch request doesn't contain any entries."],
      [
        '11 entries',
        Array.from({ length: 11 }, () => entry('a')),
        'TooManyEntriesInBatchRequestException',
        'The batch request contains more entries than permissible.',
      ],
      [
        'a long id',
        [entry('!'), entry(longId)],
        'InvalidBatchEntryIdException',
        `The Id of a batch entry in the batch request is too long: ${longId}`,
      ],
      [
        'a bad id',
        [entry('a'), entry('a'), entry('a.<b>')],
        'InvalidBatchEntryIdException',
        'The Id of a batch entry in the batch request contains an impermissible character: a.<b>',
      ],
      [
        'an empty id',
        [entry('')],
        'InvalidBatchEntryIdException',
        'The Id of a batch entry in the batch request contains an impermissible character: ',
      ],
      [
        'equal ids',
        [entry('a', half), entry('b', half), entry('a')],
        'BatchEntryIdsNotDistinctException',
        'Two or more batch entries in the request have the same Id.',
      ],
      [
        'too much text',
        [entry('a', half), { ...entry('b', half), ...attribute('^', 'String', 'x') }],
        'BatchRequestTooLongException',
        'The length of all the messages put together is more than the limit.',
      ],
      [
        'a bad attribute beside an empty message',
        [entry('a', ''), { ...entry('b'), ...attribute('a', 'Text', 'x') }],
        'InvalidParameterValueException',
        "The message attribute 'a' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.",
      ],
      [
        'an attribute that SNS does not carry',
        [entry('a'), { ...entry('b'), ...attribute('a', 'String', '😀') }],
        'InvalidParameterException',
        'Invalid parameter: Invalid attribute value was passed in for message attribute a',
      ],
    ]
    await client.assertHarmless(async () => {
      for (const TopicArn of [client.plainTopic, client.sealedTopic]) {
        for (const [what, PublishBatchRequestEntries, name, text] of rows) {
          const input = { TopicArn, PublishBatchRequestEntries }
          await refused(() => sns.send(new PublishBatchCommand(input)), name, text, what)
        }
      }
    })
  })

  test('of a batch names a missing member by its path', async () => {
    const missing = (path: string): Expected => ({
      status: 400,
      code: 'ValidationError',
      message: `1 validation error detected: Value null at '${path}' failed to satisfy constraint: Member must not be null`,
    })
    const list = 'PublishBatchRequestEntries.member'
    const good = { [`${list}.1.Id`]: 'a', [`${list}.1.Message`]: MARK }
    const attribute = { [`${list}.2.MessageAttributes.entry.1.Name`]: 'attr1' }
    const entries = 'publishBatchRequestEntries'
    const rows: [Readonly<Record<string, string>>, Expected][] = [
      [{ ...good, [`${list}.2.Message`]: MARK }, missing(`${entries}.2.member.id`)],
      [{ ...good, [`${list}.2.Id`]: 'b' }, missing(`${entries}.2.member.message`)],
      [
        { ...good, [`${list}.2.Id`]: 'b', [`${list}.2.Message`]: MARK, ...attribute },
        missing(`${entries}.2.member.messageAttributes.attr1.member.dataType`),
      ],
      [
        { ...good, [`${list}.3.Id`]: 'c', [`${list}.3.Message`]: MARK },
        { status: 400, code: 'InvalidParameter' },
      ],
      [{ [list]: 'x' }, { status: 400, code: 'InvalidParameter' }],
      [{}, { status: 400, code: 'EmptyBatchRequest' }],
    ]
    await client.assertHarmless(async () => {
      for (const [parameters, expected] of rows) {
        const response = await client.call({ Action: 'PublishBatch', TopicArn: client.sealedTopic, ...parameters })
        client.assertRefused(response, expected, JSON.stringify(parameters))
      }
    })
  })

  test('of a batch by permission, existence, key or transport is that of Publish', async () => {
    const keyless = await createTopic(sns, { KmsMasterKeyId: 'alias/none' })
    const entries = [
      { Id: 'a', Message: MARK },
      { Id: 'b', Message: '' },
    ]
    const insecure = snsClient({
      ...client.stack,
      clientConfig: { ...client.stack.clientConfig, endpoint: client.httpUrl },
    })
    const foreign = client.plainTopic.replace('000000000000', '111111111111')
    const rows: [arn: string, name: string, text: RegExp, by?: SNSClient][] = [
      [foreign, 'AuthorizationErrorException', /is not authorized to perform: SNS:Publish on resource: /],
      [`${client.plainTopic}-gone`, 'NotFoundException', /^Topic does not exist$/],
      [keyless, 'KMSNotFoundException', /Service: AWSKMS/],
      [client.sealedTopic, 'InvalidSecurityException', /HTTPS/, insecure],
    ]
    await client.assertHarmless(async () => {
      for (const [TopicArn, name, text, by = sns] of rows) {
        const input = { TopicArn, PublishBatchRequestEntries: entries }
        await refused(() => by.send(new PublishBatchCommand(input)), name, text, TopicArn)
      }
    })
    insecure.destroy()
  })

  test('left neither a text nor a failure of ours in the log', async () => {
    await client.assertQuietLog()
  })

  async function publishRefused(
    input: Omit<PublishCommandInput, 'Message'> & { Message?: string | undefined },
    name: string,
    text: string | RegExp,
    what: string,
  ): Promise<void> {
    await refused(() => sns.send(new PublishCommand({ Message: MARK, ...input })), name, text, what)
  }
})

async function refused(work: () => Promise<unknown>, name: string, text: string | RegExp, what: string): Promise<void> {
  const outcome = await work().catch((error: unknown) => error)
  assert.ok(outcome instanceof SNSServiceException, `${what}: refused, not ${outcome}`)
  assert.equal(outcome.name, name, `${what}: ${outcome.message}`)
  assertText(outcome.message, text, what)
}

function assertText(actual: string, expected: string | RegExp, what: string): void {
  if (typeof expected === 'string') assert.equal(actual, expected, what)
  else assert.match(actual, expected, what)
}
