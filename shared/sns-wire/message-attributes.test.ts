import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { attributeBytes, readMessageAttributes } from './message-attributes.ts'
import { createParameters } from './parameters.ts'

interface Sent {
  Name?: string
  'Value.DataType'?: string
  'Value.StringValue'?: string
  'Value.BinaryValue'?: string
}

suite('readMessageAttributes()', () => {
  test('reads attributes in their order, spelled as they were', () => {
    const sent = [text('kind', 'String', 'new'), text('n', 'Number.int', '0001.23000'), binary('b', 'Binary', 'AP8=')]
    assert.deepEqual(read(...sent), [
      { name: 'kind', dataType: 'String', value: 'new' },
      { name: 'n', dataType: 'Number.int', value: '0001.23000' },
      { name: 'b', dataType: 'Binary', value: 'AP8=' },
    ])
  })

  test('is empty when none were sent', () => {
    assert.deepEqual(read(), [])
  })

  test('takes names of 256 bytes, custom types, and JSON that does not parse', () => {
    assert.ok(read(text('a'.repeat(256), 'String', 'x')))
    assert.ok(read(text('a.b-c_D9', 'String.  x.', 'x')))
    assert.ok(read(text('list', 'String.Array', '[not json')))
    assert.ok(read(text('awsome', 'String', 'x'), text('Amazonas', 'String', 'x')))
    assert.ok(read(text('s', 'String', 'tab\tline\nélan \uffee')))
  })

  test('makes base64 canonical: one byte sequence, one spelling', () => {
    assert.equal(read(binary('b', 'Binary', 'AP9='))[0]?.value, 'AP8=')
  })

  const refusals: [name: string, sent: Sent[], code: string, message: string][] = [
    [
      'a name of 257 bytes',
      [text('a'.repeat(257), 'String', 'x')],
      'PARAMETER_VALUE_INVALID',
      'Length of message attribute name must be less than 256 bytes.',
    ],
    [
      'a name of 257 bytes in fewer characters',
      [text('é'.repeat(129), 'String', 'x')],
      'PARAMETER_VALUE_INVALID',
      'Length of message attribute name must be less than 256 bytes.',
    ],
    [
      'an empty name',
      [text('', 'String', 'x')],
      'PARAMETER_VALUE_INVALID',
      'The message attribute name must not be empty.',
    ],
    [
      'a caret in a name',
      [text('a^b', 'String', 'x')],
      'PARAMETER_VALUE_INVALID',
      "Invalid non-alphanumeric character '#x5E' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.",
    ],
    [
      'an emoji in a name',
      [text('a😀', 'String', 'x')],
      'PARAMETER_VALUE_INVALID',
      "Invalid non-alphanumeric character '#x1F600' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.",
    ],
    [
      'a leading dot',
      [text('.a', 'String', 'x')],
      'PARAMETER_VALUE_INVALID',
      "Invalid message attribute name starting with character '.' was found.",
    ],
    [
      'a trailing dot',
      [text('a.', 'String', 'x')],
      'PARAMETER_VALUE_INVALID',
      "Invalid message attribute name ending with character '.' was found.",
    ],
    [
      'two dots in a row',
      [text('a..b', 'String', 'x')],
      'PARAMETER_VALUE_INVALID',
      "Message attribute name can not have successive '.' character.",
    ],
    [
      'the prefix AWS.',
      [text('aWs.x', 'String', 'x')],
      'PARAMETER_VALUE_INVALID',
      "Message attribute name can not start with 'AWS.' or 'Amazon.'.",
    ],
    [
      'the prefix Amazon.',
      [text('Amazon.x', 'String', 'x')],
      'PARAMETER_VALUE_INVALID',
      "Message attribute name can not start with 'AWS.' or 'Amazon.'.",
    ],
    [
      'a name given twice',
      [text('a', 'String', 'x'), text('a', 'String', 'y')],
      'PARAMETER_VALUE_INVALID',
      "The message attribute name 'a' was given more than once.",
    ],
    [
      'no name',
      [{ 'Value.DataType': 'String', 'Value.StringValue': 'x' }],
      'VALIDATION_ERROR',
      "1 validation error detected: Value null at 'messageAttributes.name' failed to satisfy constraint: Member must not be null",
    ],
    [
      'no data type',
      [{ Name: 'attr1', 'Value.StringValue': 'x' }],
      'VALIDATION_ERROR',
      "1 validation error detected: Value null at 'messageAttributes.attr1.member.dataType' failed to satisfy constraint: Member must not be null",
    ],
    ...['', 'String.', 'Stringx', 'string', 'Bool', 'Number.', 'Binary.', '.String', 'String.\u0001'].map(
      (type): [string, Sent[], string, string] => [
        `the data type ${JSON.stringify(type)}`,
        [text('n', type, 'x')],
        'PARAMETER_VALUE_INVALID',
        "The message attribute 'n' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.",
      ],
    ),
    [
      'no value for a String',
      [{ Name: 'n', 'Value.DataType': 'String' }],
      'PARAMETER_VALUE_INVALID',
      "The message attribute 'n' must contain non-empty message attribute value for message attribute type 'String'.",
    ],
    [
      'an empty String',
      [text('n', 'String.x', '')],
      'PARAMETER_VALUE_INVALID',
      "The message attribute 'n' must contain non-empty message attribute value for message attribute type 'String'.",
    ],
    [
      'an empty Binary',
      [binary('n', 'Binary', '')],
      'PARAMETER_VALUE_INVALID',
      "The message attribute 'n' must contain non-empty message attribute value for message attribute type 'Binary'.",
    ],
    [
      'a String in the Binary field',
      [binary('n', 'String', 'YQ==')],
      'PARAMETER_VALUE_INVALID',
      "The message attribute 'n' with type 'String' must use field 'String'.",
    ],
    [
      'a Number in the Binary field',
      [binary('n', 'Number', 'YQ==')],
      'PARAMETER_VALUE_INVALID',
      "The message attribute 'n' with type 'Number' must use field 'String'.",
    ],
    [
      'a Binary in the String field',
      [text('n', 'Binary', 'YQ==')],
      'PARAMETER_VALUE_INVALID',
      "The message attribute 'n' with type 'Binary' must use field 'Binary'.",
    ],
    [
      'both fields',
      [{ ...text('n', 'String', 'x'), 'Value.BinaryValue': 'YQ==' }],
      'PARAMETER_VALUE_INVALID',
      "The message attribute 'n' with type 'String' must use field 'String'.",
    ],
    [
      'a Number that is none',
      [text('n', 'Number', 'one')],
      'PARAMETER_VALUE_INVALID',
      "Could not cast message attribute 'n' value to number.",
    ],
    [
      'a Number out of scale',
      [text('n', 'Number', '1e127')],
      'PARAMETER_VALUE_INVALID',
      "Message attribute 'n' number value [1e127] scale must be 10^-128 and 10^126.",
    ],
    [
      'a Number of 39 digits',
      [text('n', 'Number', '1'.repeat(39))],
      'PARAMETER_VALUE_INVALID',
      `Message attribute 'n' number value [${'1'.repeat(39)}] must have less than 38 precision digits.`,
    ],
    [
      'a very long Number, of which it repeats the start',
      [text('n', 'Number', '1'.repeat(126) + '.'.repeat(1) + '1'.repeat(9_000))],
      'PARAMETER_VALUE_INVALID',
      `Message attribute 'n' number value [${'1'.repeat(126)}.1…] must have less than 38 precision digits.`,
    ],
    [
      'an emoji in a String',
      [text('n', 'String', 'a😀')],
      'INVALID_PARAMETER',
      'Invalid parameter: Invalid attribute value was passed in for message attribute n',
    ],
    [
      'a control character in a String',
      [text('n', 'String.Array', 'a\u0001')],
      'INVALID_PARAMETER',
      'Invalid parameter: Invalid attribute value was passed in for message attribute n',
    ],
    ...['YQ', 'YQ=', 'Y===', '====', 'YQ==YQ==', 'Y Q=', 'YQ-_', 'YQ==\n', 'é==='].map(
      (base64): [string, Sent[], string, string] => [
        `the base64 ${JSON.stringify(base64)}`,
        [binary('n', 'Binary', base64)],
        'PARAMETER_VALUE_INVALID',
        "Could not decode message attribute 'n' value as base64.",
      ],
    ),
  ]
  for (const [name, sent, code, message] of refusals) {
    test(`refuses ${name}`, () => assert.throws(() => read(...sent), { code, message }))
  }

  test('refuses a gap in the list rather than drop what follows', () => {
    const parameters = createParameters(new Map([['MessageAttributes.entry.2.Name', 'a']]))
    assert.throws(() => readMessageAttributes(parameters), { code: 'INVALID_PARAMETER' })
  })
})

suite('attributeBytes()', () => {
  test('adds name, data type and value, a Binary one decoded', () => {
    assert.equal(attributeBytes({ name: 'kind', dataType: 'String', value: 'new' }), 13)
    assert.equal(attributeBytes({ name: 'b', dataType: 'Binary', value: 'AP8=' }), 1 + 6 + 2)
    assert.equal(attributeBytes({ name: 'n', dataType: 'Number', value: '10' }), 1 + 6 + 2)
    assert.equal(attributeBytes({ name: 'k', dataType: 'String', value: 'é' }), 1 + 6 + 2)
  })
})

function text(name: string, type: string, value: string): Sent {
  return { Name: name, 'Value.DataType': type, 'Value.StringValue': value }
}

function binary(name: string, type: string, value: string): Sent {
  return { Name: name, 'Value.DataType': type, 'Value.BinaryValue': value }
}

function read(...sent: Sent[]) {
  const values = new Map<string, string>()
  for (const [at, attribute] of sent.entries()) {
    for (const [field, value] of Object.entries(attribute))
      values.set(`MessageAttributes.entry.${at + 1}.${field}`, value)
  }
  return readMessageAttributes(createParameters(values))
}
