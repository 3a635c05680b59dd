import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { checkGroupId, refuseDeduplicationId } from './group-id.ts'

suite('checkGroupId()', () => {
  test('takes 1 to 128 ASCII letters, digits and punctuation', () => {
    for (const id of ['g', '!~', 'Az09-_.:/"<&', 'x'.repeat(128)]) assert.equal(checkGroupId(id), id)
  })

  for (const id of ['', 'x'.repeat(129), 'a b', 'a\tb', 'a\n', 'é', '😀', 'a\u007f', 'a\0']) {
    test(`refuses ${JSON.stringify(id)}`, () => {
      assert.throws(() => checkGroupId(id), {
        code: 'INVALID_PARAMETER',
        message:
          'Invalid parameter: The MessageGroupId parameter can only include alphanumeric and punctuation characters. 1 to 128 in length',
      })
    })
  }
})

suite('refuseDeduplicationId()', () => {
  test('passes when there is none and refuses any, an empty one too', () => {
    refuseDeduplicationId(undefined)
    for (const id of ['', 'd']) {
      assert.throws(() => refuseDeduplicationId(id), {
        code: 'INVALID_PARAMETER',
        message:
          'Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type',
      })
    }
  })
})
