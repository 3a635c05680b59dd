import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { checkTopicName } from './check-topic-name.ts'

suite('checkTopicName()', () => {
  test('takes letters, digits, hyphen and underscore, 1 to 256 of them', () => {
    for (const name of ['a', 'Orders_2-b', '-', 'a'.repeat(256)]) assert.equal(checkTopicName(name), name)
  })

  for (const name of ['', 'a'.repeat(257), 'a b', 'a.b', 'orders.fifo', 'é', 'a\n', 'a:b', 'a}b']) {
    test(`refuses ${JSON.stringify(name.slice(0, 20))}`, () => {
      assert.throws(() => checkTopicName(name), {
        code: 'INVALID_PARAMETER',
        message: 'Invalid parameter: Topic Name',
      })
    })
  }

  test('says in the framework’s words that it is missing', () => {
    assert.throws(() => checkTopicName(undefined), {
      code: 'VALIDATION_ERROR',
      message:
        "1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null",
    })
  })
})
