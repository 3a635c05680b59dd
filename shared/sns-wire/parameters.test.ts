import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createParameters } from './parameters.ts'

suite('Parameters.list()', () => {
  test('reads members by index, not by order of the request', () => {
    const parameters = setup({ 'TagKeys.member.2': 'b', 'TagKeys.member.1': 'a', TagKeysOther: 'x' })
    assert.deepEqual(parameters.list('TagKeys'), ['a', 'b'])
  })

  test('reads flattened names too', () => {
    assert.deepEqual(setup({ 'TagKeys.1': 'a', 'TagKeys.2': 'b' }).list('TagKeys'), ['a', 'b'])
  })

  test('orders ten members as numbers', () => {
    const members = Array.from({ length: 11 }, (_, at): [string, string] => [`L.member.${at + 1}`, String(at)])
    assert.deepEqual(
      setup(Object.fromEntries(members)).list('L'),
      members.map(([, value]) => value),
    )
  })

  test('is empty when nothing was sent, and for the empty list of SDKs', () => {
    assert.deepEqual(setup({}).list('TagKeys'), [])
    assert.deepEqual(setup({ TagKeys: '' }).list('TagKeys'), [])
  })

  refuses('list', {
    'a gap': { 'X.member.1': 'a', 'X.member.3': 'c' },
    'a list that starts at 2': { 'X.member.2': 'a' },
    'index 0': { 'X.member.0': 'a', 'X.member.1': 'b' },
    'a leading zero': { 'X.member.01': 'a' },
    'a negative index': { 'X.member.-1': 'a' },
    'an index that is no number': { 'X.member.one': 'a' },
    'a huge index': { 'X.member.99999999999999999999': 'a' },
    'an index beyond the number of members': { 'X.member.99999': 'a' },
    'one member in two spellings': { 'X.member.1': 'a', 'X.1': 'b' },
    'a value beside the members': { X: 'a', 'X.member.1': 'b' },
    'an empty list with members': { X: '', 'X.member.1': 'b' },
    'a value instead of members': { X: 'a' },
    'fields below a plain member': { 'X.member.1.Key': 'a' },
    'a member with a value and fields': { 'X.member.1': 'a', 'X.member.1.Key': 'b' },
    'nothing after the prefix': { 'X.': 'a' },
    'nothing after the index': { 'X.member.1.': 'a' },
    'the member label alone': { 'X.member': 'a' },
  })
})

suite('Parameters.map()', () => {
  test('reads entries with key and value, in either spelling', () => {
    const parameters = setup({
      'Attributes.entry.1.key': 'DisplayName',
      'Attributes.entry.1.value': '',
      'Attributes.entry.2.Name': 'KmsMasterKeyId',
      'Attributes.entry.2.Value': 'alias/x',
    })
    assert.deepEqual(parameters.map('Attributes'), [
      ['DisplayName', ''],
      ['KmsMasterKeyId', 'alias/x'],
    ])
  })

  test('reads flattened names too, and keys like __proto__', () => {
    assert.deepEqual(setup({ 'A.1.key': '__proto__', 'A.1.value': 'v' }).map('A'), [['__proto__', 'v']])
  })

  refuses('map', {
    'a key without a value': { 'X.entry.1.key': 'a' },
    'a value without a key': { 'X.entry.1.value': 'a' },
    'a field too many': { 'X.entry.1.key': 'a', 'X.entry.1.value': 'b', 'X.entry.1.other': 'c' },
    'both spellings at once': { 'X.entry.1.key': 'a', 'X.entry.1.Name': 'a', 'X.entry.1.value': 'b' },
    'a key given twice': { 'X.entry.1.key': 'a', 'X.entry.1.value': 'b', 'X.entry.2.key': 'a', 'X.entry.2.value': 'c' },
    'a gap': { 'X.entry.2.key': 'a', 'X.entry.2.value': 'b' },
    'a plain member': { 'X.entry.1': 'a' },
  })
})

suite('Parameters.structures()', () => {
  test('gives each member as parameters of its own, nested ones included', () => {
    const [first, second] = setup({
      'E.member.1.Id': 'one',
      'E.member.1.MessageAttributes.entry.1.Name': 'kind',
      'E.member.1.MessageAttributes.entry.1.Value.DataType': 'String',
      'E.member.2.Id': 'two',
    }).structures('E')
    assert.deepEqual(first?.names(), [
      'Id',
      'MessageAttributes.entry.1.Name',
      'MessageAttributes.entry.1.Value.DataType',
    ])
    assert.equal(first?.structures('MessageAttributes')[0]?.get('Value.DataType'), 'String')
    assert.equal(second?.get('Id'), 'two')
    assert.equal(second?.get('toString'), undefined)
  })

  refuses('structures', {
    'a plain member': { 'X.member.1': 'a' },
    'a gap': { 'X.member.1.Key': 'a', 'X.member.3.Key': 'b' },
    'one field in two spellings': { 'X.member.1.Key': 'a', 'X.entry.1.Key': 'b' },
  })
})

function refuses(reader: 'list' | 'map' | 'structures', cases: Record<string, Record<string, string>>): void {
  for (const [name, values] of Object.entries(cases)) {
    test(`refuses ${name}`, () => {
      assert.throws(() => setup(values)[reader]('X'), { code: 'INVALID_PARAMETER' })
    })
  }
}

function setup(values: Record<string, string>) {
  return createParameters(new Map(Object.entries(values)))
}
