import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ConfigError, DocumentError, parseDocument, readSettings, schema } from './index.ts'

suite('readSettings()', () => {
  test('takes defaults for unset and for empty variables', () => {
    const settings = readSettings({ B: '' }, (read) => ({
      a: read.integer('A', { default: 7, min: 1, max: 9 }),
      b: read.text('B', { default: 'x' }),
      c: read.optionalText('C'),
      d: read.list('D', { default: ['us-east-1'] }),
    }))
    assert.deepEqual(settings, { a: 7, b: 'x', c: undefined, d: ['us-east-1'] })
    assert.ok(Object.isFrozen(settings))
  })

  test('names every bad variable in one error', () => {
    assert.throws(
      () =>
        readSettings({ A: '10', M: 'cloud', N: '1e3' }, (read) => ({
          a: read.integer('A', { default: 7, min: 1, max: 9 }),
          m: read.oneOf('M', ['local', 'aws'], { default: 'local' }),
          n: read.optionalInteger('N', { min: 0, max: 9_999 }),
          r: read.requiredText('R'),
        })),
      (error) => {
        assert.ok(error instanceof ConfigError)
        for (const name of ['A must', 'M must', 'N must', 'R is required'])
          assert.ok(error.message.includes(name), name)
        return true
      },
    )
  })

  test('splits lists at commas and drops empty items', () => {
    const { d } = readSettings({ D: 'a, b,,c ' }, (read) => ({ d: read.list('D', { default: [] }) }))
    assert.deepEqual(d, ['a', 'b', 'c'])
  })
})

suite('parseDocument()', () => {
  const expected = schema.object({ keys: schema.array(schema.object({ secret: schema.string() })) })

  test('returns what fits', () => {
    assert.deepEqual(parseDocument('test', expected, '{"keys":[{"secret":"s"}]}'), { keys: [{ secret: 's' }] })
  })

  test('names the place of a fault, never the value', () => {
    for (const text of ['{"keys":[{"secret":12345}]}', '{"keys":[{"sec12345', '12345']) {
      assert.throws(
        () => parseDocument('test', expected, text),
        (error) => error instanceof DocumentError && !error.message.includes('12345'),
      )
    }
  })
})
