// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of policies

import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { compileConditions } from './conditions.ts'
import { MalformedPolicyError } from './errors.ts'
import { readJson } from './read-json.ts'
import { checkBadValues, checkTable } from './testing/check-table.ts'

suite('compileConditions()', () => {
  checkTable([
    ['Null', 'true', undefined, true],
    ['Null', 'true', 'x', false],
    ['Null', 'false', 'x', true],
    ['Null', 'false', '', true],
    ['Null', true, [], true],
    ['Null', ['true', 'false'], 'x', true],
    ['StringEqualsIfExists', 'a', undefined, true],
    ['StringEqualsIfExists', 'a', 'b', false],
    ['StringNotEqualsIfExists', 'a', 'a', false],
    ['ForAnyValue:StringEquals', ['a', 'b'], ['b', 'c'], true],
    ['ForAnyValue:StringEquals', ['a', 'b'], ['c', 'd'], false],
    ['ForAnyValue:StringEquals', 'a', 'a', true],
    ['ForAnyValue:StringEquals', 'a', undefined, false],
    ['ForAnyValue:StringEquals', 'a', [], false],
    ['ForAnyValue:StringEqualsIfExists', 'a', undefined, true],
    ['ForAnyValue:StringNotEquals', 'a', ['a', 'b'], true],
    ['ForAnyValue:StringNotEquals', ['a', 'b'], ['a', 'b'], false],
    ['ForAnyValue:StringNotEquals', 'a', undefined, false],
    ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'b'], true],
    ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'c'], false],
    ['ForAllValues:StringEquals', 'a', undefined, true],
    ['ForAllValues:StringEquals', 'a', [], true],
    ['ForAllValues:StringNotLike', ['x*', 'y*'], ['a', 'b'], true],
    ['ForAllValues:StringNotLike', ['x*', 'y*'], ['a', 'y1'], false],
    ['ForAllValues:StringNotLike', 'x*', undefined, true],
    ['StringEquals', 'a', ['b', 'a'], true],
    ['StringNotEquals', 'a', ['b', 'a'], false],
    ['StringNotEquals', 'a', ['b', 'c'], true],
  ])
  checkBadValues('Null', ['', 'yes', 1])

  test('wants all operators and all keys to hold', () => {
    const condition = { StringEquals: { 'a:x': '1', 'a:y': '2' }, Bool: { 'a:z': 'true' } }
    const full = { 'a:x': '1', 'a:y': '2', 'a:z': 'true' }
    assert.equal(holds(condition, full), true)
    for (const key of Object.keys(full)) assert.equal(holds(condition, { ...full, [key]: '3' }), false, key)
  })

  test('knows every operator of IAM, and no other', () => {
    for (const name of ['StringEquals', 'NumericLessThan', 'DateGreaterThan', 'Bool', 'IpAddress', 'ArnLike'])
      assert.doesNotThrow(() => compile({ [name]: { 'a:b': VALUES[name] ?? 'x' } }), name)
    for (const name of [
      'stringEquals',
      'StringMatches',
      'BoolNot',
      'NullIfExists',
      'ForAnyValue:Null',
      'ForAll:StringEquals',
      'ForAnyValue:ForAllValues:StringEquals',
      'IfExists',
      'constructor',
      '',
    ])
      assertRefused(() => compile({ [name]: { 'a:b': 'x' } }), 'bad-operator', name)
  })

  test('refuses what is no condition key', () => {
    for (const key of ['', 'SourceIp', ':SourceIp', 'aws:', 'aws SourceIp:x', '*:x'])
      assertRefused(() => compile({ StringEquals: { [key]: 'x' } }), 'bad-condition-key', key)
  })

  test('refuses lists without a value and operators without a key', () => {
    assertRefused(() => compile({ StringEquals: { 'a:b': [] } }), 'empty-list')
    assertRefused(() => compile({ StringEquals: {} }), 'empty-list')
    assertRefused(() => compile({ StringEquals: { 'a:b': {} } }), 'wrong-type')
    assertRefused(() => compile({ StringEquals: { 'a:b': null } }), 'wrong-type')
    assertRefused(() => compile({ StringEquals: { 'a:b': [['x']] } }), 'wrong-type')
    assertRefused(() => compile({ StringEquals: 'x' }), 'wrong-type')
    assertRefused(() => compile([]), 'wrong-type')
  })

  test('refuses variables that cannot be read', () => {
    for (const value of ['${', '${aws:username', '${}', '${x}', "${aws:x, 'a}", '${aws:x, a}', '${${*}}'])
      assertRefused(() => compile({ StringLike: { 'a:b': value } }), 'bad-variable', value)
  })

  test('takes variables for text in documents of the older version', () => {
    const [condition] = compileConditions(readJson('{"StringEquals":{"a:b":"${aws:username"}}'), false, '')
    assert.equal(condition?.holds(new Map([['a:b', '${aws:username']])), true)
    assert.deepEqual(condition?.keys, ['a:b'])
  })

  test('tells the keys it looks at, those of variables too', () => {
    const keys = compile({ StringEquals: { 'AWS:PrincipalTag/Team': '${Test:Key}' } }).flatMap((one) => one.keys)
    assert.deepEqual(keys, ['aws:principaltag/team', 'test:key'])
  })
})

const VALUES: Readonly<Record<string, string>> = {
  NumericLessThan: '1',
  DateGreaterThan: '2026',
  Bool: 'true',
  IpAddress: '::1',
  ArnLike: '*',
}

function compile(condition: unknown) {
  return compileConditions(readJson(JSON.stringify(condition)), true, 'Condition')
}

function holds(condition: unknown, context: Readonly<Record<string, string>>): boolean {
  return compile(condition).every((one) => one.holds(new Map(Object.entries(context))))
}

function assertRefused(work: () => unknown, reason: string, message?: string): void {
  assert.throws(work, (error) => error instanceof MalformedPolicyError && error.reason === reason, message)
}
