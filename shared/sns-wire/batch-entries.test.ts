import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { readBatchEntries } from './batch-entries.ts'
import { decodeParameters } from './decode-parameters.ts'
import { MAX_MESSAGE_BYTES } from './limits.ts'

/** An entry's parameters by the name below its index. */
type Sent = Readonly<Record<string, string>>

suite('readBatchEntries()', () => {
  test('reads ten entries in the order of their indexes, attributes and all', () => {
    const sent = Array.from({ length: 10 }, (_, n): Sent => ({ Id: `id-${n}`, Message: `m${n}`, Subject: '' }))
    sent[3] = { ...attribute('kind', 'String', 'new'), Message: 'm3', Id: 'id-3' }
    const entries = read(sent)
    assert.deepEqual(
      entries.map(({ id, parameters }) => [id, parameters.get('Message')]),
      sent.map(({ Id, Message }) => [Id, Message]),
    )
    assert.equal(entries[0]?.parameters.get('Subject'), '')
    assert.deepEqual(entries[3]?.attributes, [{ name: 'kind', dataType: 'String', value: 'new' }])
    assert.deepEqual(entries[4]?.attributes, [])
  })

  test('leaves what is one message’s own fault to that message', () => {
    const own = { Message: '', Subject: '', MessageStructure: 'x', MessageGroupId: '', MessageDeduplicationId: '' }
    assert.equal(read([{ Id: 'a', ...own }]).length, 1)
  })

  test('takes ids of 80 letters, digits, hyphens and underscores', () => {
    const id = 'aZ09-_'.padEnd(80, 'x')
    assert.equal(read([entry(id)])[0]?.id, id)
  })

  test('takes 262,144 bytes together, names, types and decoded values of attributes among them', () => {
    const attributes = attribute('b', 'Binary', Buffer.alloc(100).toString('base64')) // 1 + 6 + 100
    const half = 'é'.repeat(MAX_MESSAGE_BYTES / 4) // half the bytes
    assert.equal(read([entry('a', half), entry('b', half)]).length, 2)
    assert.equal(read([entry('a', half), { ...entry('b', half.slice(0, -54)), ...attributes }]).length, 2)
    const tooLong = { code: 'BATCH_REQUEST_TOO_LONG' }
    assert.throws(() => read([entry('a', half), entry('b', `${half}x`)]), tooLong)
    assert.throws(() => read([entry('a', half), { ...entry('b', half.slice(0, -53)), ...attributes }]), tooLong)
  })

  const tooLongId = 'x'.repeat(81)
  const rows: [what: string, sent: readonly Sent[], code: string, message?: string][] = [
    ['no entries', [], 'EMPTY_BATCH_REQUEST', "The batch request doesn't contain any entries."],
    [
      '11 entries, whatever else is wrong',
      Array.from({ length: 11 }, () => ({ Id: '!' })),
      'TOO_MANY_ENTRIES_IN_BATCH_REQUEST',
      'The batch request contains more entries than permissible.',
    ],
    ['an entry without an id', [entry('a'), { Message: 'm' }], 'VALIDATION_ERROR', missing('2.member.id')],
    ['an entry without a message', [entry('a'), { Id: 'b' }], 'VALIDATION_ERROR', missing('2.member.message')],
    [
      'an id of 81 characters, before one that has a blank',
      [entry('a b'), entry(tooLongId)],
      'INVALID_BATCH_ENTRY_ID',
      `The Id of a batch entry in the batch request is too long: ${tooLongId}`,
    ],
    [
      'a very long id, of which it repeats the start',
      [entry('x'.repeat(10_000))],
      'INVALID_BATCH_ENTRY_ID',
      `The Id of a batch entry in the batch request is too long: ${'x'.repeat(128)}…`,
    ],
    ...['', 'a b', 'a.b', 'a\n', 'é', '😀', '\u0001'].map((id): [string, Sent[], string, string] => [
      `the id ${JSON.stringify(id)}, before equal ids`,
      [entry('a'), entry('a'), entry(id)],
      'INVALID_BATCH_ENTRY_ID',
      `The Id of a batch entry in the batch request contains an impermissible character: ${id}`,
    ]),
    [
      'equal ids, before too much text',
      [entry('a', 'x'.repeat(MAX_MESSAGE_BYTES)), entry('b'), entry('a')],
      'BATCH_ENTRY_IDS_NOT_DISTINCT',
      'Two or more batch entries in the request have the same Id.',
    ],
    [
      'too much text, before a bad attribute',
      [{ ...entry('a', 'x'.repeat(MAX_MESSAGE_BYTES)), ...attribute('^', 'String', 'x') }],
      'BATCH_REQUEST_TOO_LONG',
      'The length of all the messages put together is more than the limit.',
    ],
    [
      'a bad attribute, before an empty message',
      [entry('a', ''), { ...entry('b'), ...attribute('n', 'Number', 'x') }],
      'PARAMETER_VALUE_INVALID',
      "Could not cast message attribute 'n' value to number.",
    ],
    [
      'an attribute that SNS does not carry',
      [{ ...entry('a'), ...attribute('n', 'String', '😀') }],
      'INVALID_PARAMETER',
    ],
    [
      'an attribute without a type, by the number of its entry',
      [entry('a'), { ...entry('b'), 'MessageAttributes.entry.1.Name': 'attr1' }],
      'VALIDATION_ERROR',
      missing('2.member.messageAttributes.attr1.member.dataType'),
    ],
  ]
  for (const [what, sent, code, message] of rows) {
    test(`refuses ${what}`, () => {
      assert.throws(() => read(sent), message === undefined ? { code } : { code, message })
    })
  }

  for (const text of [
    'PublishBatchRequestEntries.member.2.Id=a&PublishBatchRequestEntries.member.2.Message=m',
    'PublishBatchRequestEntries.member.1=a',
    'PublishBatchRequestEntries=a',
    'PublishBatchRequestEntries.member.1.Id=a&PublishBatchRequestEntries.1.Id=b',
  ]) {
    test(`refuses the list ${text}`, () => assert.throws(() => readText(text), { code: 'INVALID_PARAMETER' }))
  }

  test('counts the empty list of SDKs as no entries, and reads flat names', () => {
    assert.throws(() => readText('PublishBatchRequestEntries='), { code: 'EMPTY_BATCH_REQUEST' })
    const flat = 'PublishBatchRequestEntries.1.Id=a&PublishBatchRequestEntries.1.Message=m'
    assert.equal(readText(flat)[0]?.id, 'a')
  })

  test('gives what was put in, or refuses, for any ids and messages', () => {
    const id = fc.oneof(fc.stringMatching(/^[\w-]{1,80}$/), fc.string())
    const anEntry = fc.tuple(id, fc.string({ unit: 'grapheme' })).map(([Id, Message]) => ({ Id, Message }))
    fc.assert(
      fc.property(fc.array(anEntry, { maxLength: 11 }), (sent) => {
        const ids = sent.map(({ Id }) => Id)
        const isGood =
          sent.length >= 1 &&
          sent.length <= 10 &&
          ids.every((id) => /^[A-Za-z0-9_-]{1,80}$/.test(id)) &&
          new Set(ids).size === ids.length
        if (sent.some(({ Id, Message }) => `${Id}${Message}`.includes('\0'))) return
        if (!isGood) return assert.throws(() => read(sent), { fault: 'sender' })
        assert.deepEqual(
          read(sent).map(({ id, parameters }) => ({ Id: id, Message: parameters.get('Message') })),
          sent,
        )
      }),
    )
  })
})

function missing(path: string): string {
  return `1 validation error detected: Value null at 'publishBatchRequestEntries.${path}' failed to satisfy constraint: Member must not be null`
}

function entry(id: string, message = 'm'): Sent {
  return { Id: id, Message: message }
}

function attribute(name: string, type: string, value: string): Sent {
  return {
    'MessageAttributes.entry.1.Name': name,
    'MessageAttributes.entry.1.Value.DataType': type,
    [`MessageAttributes.entry.1.Value.${type === 'Binary' ? 'Binary' : 'String'}Value`]: value,
  }
}

function read(sent: readonly Sent[]) {
  const pairs = sent.flatMap((fields, at) =>
    Object.entries(fields).map(
      ([name, value]) =>
        `PublishBatchRequestEntries.member.${at + 1}.${name}=${encodeURIComponent(value.toWellFormed())}`,
    ),
  )
  return readText(pairs.join('&'))
}

function readText(text: string) {
  return readBatchEntries(decodeParameters({ query: '', body: Buffer.from(text), hasFormBody: true }))
}
