import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createParameters } from './parameters.ts'
import { readMessage } from './read-message.ts'

suite('readMessage()', () => {
  test('reads every field and leaves out what was not sent', () => {
    const attributes = [{ name: 'kind', dataType: 'String', value: 'new' }]
    assert.deepEqual(read({ Message: 'm' }), { body: 'm', attributes: [] })
    const sent = { Message: '{"default":"d"}', Subject: 's', MessageStructure: 'json', MessageGroupId: 'g' }
    assert.deepEqual(readMessage(createParameters(new Map(Object.entries(sent))), attributes), {
      body: '{"default":"d"}',
      subject: 's',
      attributes,
      structure: 'json',
      groupId: 'g',
    })
  })

  const refused: Record<string, Record<string, string>> = {
    'an empty message': { Message: '' },
    'an empty subject': { Message: 'm', Subject: '' },
    'another structure': { Message: '{"default":"d"}', MessageStructure: 'xml' },
    'an empty structure': { Message: '{"default":"d"}', MessageStructure: '' },
    'a structure that the message has not': { Message: 'm', MessageStructure: 'json' },
    'an empty group id': { Message: 'm', MessageGroupId: '' },
    'a deduplication id': { Message: 'm', MessageDeduplicationId: 'd' },
  }
  for (const [name, sent] of Object.entries(refused)) {
    test(`refuses ${name}`, () => assert.throws(() => read(sent), { code: 'INVALID_PARAMETER' }))
  }

  test('says in the framework’s words that the message is missing', () => {
    assert.throws(() => read({ Subject: '' }), { code: 'VALIDATION_ERROR' })
  })
})

function read(sent: Record<string, string>) {
  return readMessage(createParameters(new Map(Object.entries(sent))), [])
}
