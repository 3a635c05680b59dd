import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { MAX_MESSAGE_BYTES } from './limits.ts'
import { checkMessageStructure, selectMessage } from './message-structure.ts'

const UNPARSED = 'Invalid parameter: Message Structure - JSON message body failed to parse'
const NO_DEFAULT = 'Invalid parameter: Message Structure - No default entry in JSON message body'

suite('checkMessageStructure()', () => {
  test('takes any message when no structure is asked for', () => {
    assert.equal(checkMessageStructure(undefined, '{not json'), undefined)
  })

  for (const structure of ['', 'JSON', 'json ', 'xml', '__proto__']) {
    test(`refuses the structure ${JSON.stringify(structure)}`, () => {
      refuses('{"default":"x"}', 'Invalid parameter: MessageStructure', structure)
    })
  }

  for (const message of [
    '',
    'text',
    '{',
    '{"default":"x"',
    '"default"',
    '["default"]',
    'null',
    '17',
    "{'default':'x'}",
  ]) {
    test(`refuses ${JSON.stringify(message)}, which is no JSON object`, () => refuses(message, UNPARSED))
  }

  for (const message of [
    '{}',
    '{"https":"x"}',
    '{"Default":"x"}',
    '{"default":{}}',
    '{"default":["x"]}',
    '{"__proto__":{"default":"x"}}',
    '{"default":"x","default":{}}',
  ]) {
    test(`refuses ${message}, which has no default text`, () => refuses(message, NO_DEFAULT))
  }

  for (const value of ['"x"', '""', '17', '-0', '1e400', 'true', 'false', 'null']) {
    test(`takes the default ${value}`, () => {
      assert.equal(checkMessageStructure('json', `{"default":${value}}`), 'json')
    })
  }

  test('does not repeat the message in its refusals', () => {
    assert.throws(
      () => checkMessageStructure('json', 'secret'),
      (error: Error) => !error.message.includes('secret') && error.cause === undefined,
    )
  })
})

suite('selectMessage()', () => {
  const cases: [name: string, message: string, selected: string][] = [
    ['the text of the protocol', '{"default":"d","https":"h"}', 'h'],
    ['the default when the protocol has none', '{"default":"d","http":"h","sqs":"s"}', 'd'],
    ['an empty text of the protocol', '{"default":"d","https":""}', ''],
    ['an empty default', '{"default":""}', ''],
    ['the last of two texts', '{"default":"d","https":"1","https":"2"}', '2'],
    ['the default when the last of two is no string', '{"default":"d","https":"1","https":2}', 'd'],
    ['the default when the protocol has an object', '{"https":{"default":"no"},"default":"d"}', 'd'],
    ['a number as it was spelled', '{"default": 12345678901234567890.10 }', '12345678901234567890.10'],
    ['a number that no double can hold', '{"a":[{"default":1}],"default":-1e400,"b":{"default":2}}', '-1e400'],
    ['the last of two numbers, under an escaped key', '{"default":1,"\\u0064efault":2,"x":"\\"default\\":3"}', '2'],
    ['a boolean as JSON', '{"default":true}', 'true'],
    ['null as JSON', '{"default":null}', 'null'],
    ['a text with escapes', '{"default":"\\u00e9\\n\\ud83c\\udf4a"}', 'é\n🍊'],
  ]
  for (const [name, message, selected] of cases) {
    test(`gives ${name}`, () => {
      assert.equal(checkMessageStructure('json', message), 'json')
      assert.equal(selectMessage(message, 'json', 'https'), selected)
    })
  }

  test('gives the message as it is without a structure', () => {
    assert.equal(selectMessage('{"default":"d"}', undefined, 'https'), '{"default":"d"}')
  })

  test('is not taken in by names of object members', () => {
    for (const protocol of ['__proto__', 'toString', 'constructor']) {
      assert.equal(selectMessage('{"default":"d"}', 'json', protocol), 'd')
    }
    assert.equal(selectMessage('{"__proto__":{"https":"no"},"default":"d"}', 'json', 'https'), 'd')
  })

  test('bears nesting as deep as a message can be long', () => {
    const levels = (MAX_MESSAGE_BYTES - 100) / 2
    const message = `{"default":7,"x":${'['.repeat(levels)}${']'.repeat(levels)}}`
    assert.equal(checkMessageStructure('json', message), 'json')
    assert.equal(selectMessage(message, 'json', 'https'), '7')
  })

  test('gives what was put in, for any texts', () => {
    const texts = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.constant(null)), {
      noNullPrototype: true,
    })
    fc.assert(
      fc.property(
        texts,
        fc.oneof(fc.string(), fc.double({ noNaN: true })),
        fc.string(),
        (others, fallback, protocol) => {
          const message = JSON.stringify({ ...others, default: fallback })
          assert.equal(checkMessageStructure('json', message), 'json')
          const own = protocol !== 'default' && Object.hasOwn(others, protocol) ? others[protocol] : undefined
          const rendered = typeof fallback === 'string' ? fallback : JSON.stringify(fallback)
          assert.equal(selectMessage(message, 'json', protocol), typeof own === 'string' ? own : rendered)
        },
      ),
    )
  })

  test('answers any text with a selection or a refusal', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (message) => {
        try {
          checkMessageStructure('json', message)
        } catch (error) {
          assert.ok(error instanceof Error && 'code' in error && error.code === 'INVALID_PARAMETER')
          return
        }
        assert.equal(typeof selectMessage(message, 'json', 'https'), 'string')
      }),
    )
  })
})

function refuses(message: string, text: string, structure = 'json'): void {
  assert.throws(() => checkMessageStructure(structure, message), { code: 'INVALID_PARAMETER', message: text })
}
