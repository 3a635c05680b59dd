import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { BrokerError } from '#shared/errors'
import { type MemberReader, readMembers } from './members.ts'

suite('readMembers()', () => {
  test('reads every kind of member', () => {
    const body = '{"T":"é","I":7,"F":true,"B":"AAE=","M":{"a":"b","n":12.5},"C":"X","L":[],"O":false}'
    const members = read(body, (reader) => ({
      text: reader.requiredText('T', { max: 9 }),
      integer: reader.integer('I', { min: 1, max: 9 }),
      flag: reader.flag('F'),
      blob: reader.requiredBlob('B', { min: 1, max: 9 }),
      map: reader.textMap('M'),
      choice: reader.choice('C', { values: ['X', 'Y'], supported: ['X'] }),
      list: reader.emptyList('L'),
      off: reader.falseFlag('O'),
    }))
    assert.deepEqual(members, {
      text: 'é',
      integer: 7,
      flag: true,
      blob: Buffer.from([0, 1]),
      map: new Map([
        ['a', 'b'],
        ['n', '12.5'],
      ]),
      choice: 'X',
      list: undefined,
      off: undefined,
    })
  })

  test('takes null and an empty body for absent members', () => {
    for (const body of ['{"T":null}', '{}', '']) {
      assert.equal(
        read(body, (reader) => reader.text('T', { max: 1 })),
        undefined,
      )
    }
  })

  test('keeps a context key called __proto__ a plain key', () => {
    assert.deepEqual(
      read('{"M":{"__proto__":"x"}}', (reader) => reader.textMap('M')),
      new Map([['__proto__', 'x']]),
    )
  })

  test('refuses members that nobody read', () => {
    refuses('{"Policy":"{}"}', 'UNSUPPORTED_OPERATION', () => undefined)
    refuses('{"Tags":[{}]}', 'UNSUPPORTED_OPERATION', (reader) => reader.emptyList('Tags'))
    refuses('{"MultiRegion":true}', 'UNSUPPORTED_OPERATION', (reader) => reader.falseFlag('MultiRegion'))
    const choice = (reader: MemberReader) => reader.choice('C', { values: ['X', 'Y'], supported: ['X'] })
    refuses('{"C":"Y"}', 'UNSUPPORTED_OPERATION', choice)
    refuses('{"C":"Z"}', 'VALIDATION', choice)
  })

  test('names all broken rules together, in the form of KMS', () => {
    assert.throws(
      () =>
        read('{"AliasName":"a!","Limit":0}', (reader) => {
          reader.requiredText('KeyId', { max: 9 })
          reader.text('AliasName', { max: 9, pattern: /^[a-z]+$/ })
          reader.integer('Limit', { min: 1, max: 10 })
        }),
      {
        code: 'VALIDATION',
        message:
          "3 validation errors detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null; " +
          "Value 'a!' at 'aliasName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-z]+$; " +
          "Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1",
      },
    )
  })

  test('names the item of a list of objects, and all rules of a list of texts', () => {
    const tags = '[{"TagKey":"a","TagValue":"b"},{"TagKey":"","Color":"red"}]'
    assert.throws(() => read(`{"Tags":${tags},"TagKeys":["ok","long"]}`, readLists), {
      code: 'VALIDATION',
      message:
        "3 validation errors detected: Value '' at 'tags.2.member.tagKey' failed to satisfy constraint: Member must have length greater than or equal to 1; " +
        "Value null at 'tags.2.member.tagValue' failed to satisfy constraint: Member must not be null; " +
        "Value '[ok, long]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: " +
        '[Member must have length less than or equal to 3, Member must have length greater than or equal to 1]',
    })
    refuses('{"Tags":[{"TagKey":"a","TagValue":"b","Color":"red"}],"TagKeys":[]}', 'UNSUPPORTED_OPERATION', readLists)
    refuses('{}', 'VALIDATION', readLists)
    for (const lists of [
      '{"Tags":[1]}',
      '{"Tags":[null]}',
      '{"TagKeys":[null]}',
      '{"Tags":[[]]}',
      '{"Tags":{}}',
      '{"TagKeys":[{}]}',
      '{"TagKeys":"a"}',
    ]) {
      refuses(lists, 'SERIALIZATION', readLists)
    }
  })

  test('tells of a broken rule of KMS before a part that is not supported', () => {
    refuses('{"T":"long","Policy":"{}"}', 'VALIDATION', (reader) => reader.text('T', { max: 1 }))
    refuses('{"Policy":"{}"}', 'VALIDATION', (reader) => reader.refuse('no'))
  })

  test('names no more broken rules than fit a reasonable answer', () => {
    const items = Array.from({ length: 10_000 }, () => ({}))
    const body = JSON.stringify({ Tags: items, TagKeys: [] })
    assert.throws(
      () => read(body, readLists),
      (error: Error) => error.message.length < 10_000,
    )
  })

  test('does not quote a blob that is too short or too long', () => {
    assert.throws(() => read('{"B":"AAAA"}', (reader) => reader.requiredBlob('B', { min: 1, max: 2 })), {
      code: 'VALIDATION',
      message:
        "1 validation error detected: Value at 'b' failed to satisfy constraint: Member must have length less than or equal to 2",
    })
  })

  test('refuses bodies that are no JSON object in UTF-8', () => {
    for (const body of [
      '{',
      '[]',
      '"x"',
      'null',
      '1',
      '{"a":1}x',
      '['.repeat(100_000),
      Buffer.from([0x7b, 0xff, 0x7d]),
    ]) {
      refuses(body, 'SERIALIZATION', () => undefined)
    }
  })

  test('refuses members of another type', () => {
    refuses('{"T":1}', 'SERIALIZATION', (reader) => reader.text('T', { max: 1 }))
    refuses('{"T":"\\ud800"}', 'SERIALIZATION', (reader) => reader.text('T', { max: 1 }))
    refuses('{"I":1.5}', 'SERIALIZATION', (reader) => reader.integer('I', { min: 1, max: 2 }))
    refuses('{"I":"1"}', 'SERIALIZATION', (reader) => reader.integer('I', { min: 1, max: 2 }))
    refuses('{"F":"true"}', 'SERIALIZATION', (reader) => reader.flag('F'))
    refuses('{"F":1}', 'SERIALIZATION', (reader) => reader.falseFlag('F'))
    refuses('{"L":{}}', 'SERIALIZATION', (reader) => reader.emptyList('L'))
    for (const map of ['[]', '"x"', '{"a":true}', '{"a":null}', '{"a":{}}', '{"a":1e999}', '{"\\ud800":"x"}']) {
      refuses(`{"M":${map}}`, 'SERIALIZATION', (reader) => reader.textMap('M'))
    }
    for (const blob of ['AAE', 'AA E=', '*', 'AAE=AAE=', 'AAF=\\n', '-_8=']) {
      refuses(`{"B":"${blob}"}`, 'SERIALIZATION', (reader) => reader.requiredBlob('B', { min: 1, max: 9 }))
    }
  })

  test('answers any JSON and any bytes with members or an error of ours', () => {
    const bodies = fc.oneof(
      fc.json(),
      fc.uint8Array(),
      fc.json().map((json) => `{"T":${json},"M":${json}}`),
    )
    fc.assert(
      fc.property(bodies, (body) => {
        try {
          read(body, (reader) => [reader.text('T', { max: 9 }), reader.textMap('M')])
        } catch (error) {
          assert.ok(error instanceof BrokerError)
        }
      }),
    )
  })
})

function read<T>(body: string | Uint8Array, reader: (reader: MemberReader) => T): T {
  return readMembers(typeof body === 'string' ? Buffer.from(body) : body, reader)
}

function readLists(reader: MemberReader): void {
  reader.requiredStructures('Tags', (item) => [
    item.requiredText('TagKey', { min: 1, max: 3 }),
    item.requiredText('TagValue', { max: 3 }),
  ])
  reader.requiredTexts('TagKeys', { min: 1, max: 3 })
}

function refuses(body: string | Uint8Array, code: string, reader: (reader: MemberReader) => unknown): void {
  assert.throws(
    () => read(body, reader),
    (error) => error instanceof BrokerError && error.code === code,
    String(body).slice(0, 40),
  )
}
