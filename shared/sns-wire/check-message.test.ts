import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { checkMessage } from './check-message.ts'
import { MAX_MESSAGE_BYTES } from './limits.ts'
import type { MessageAttribute } from './message-attributes.ts'

suite('checkMessage()', () => {
  test('takes 262,144 bytes and refuses one more', () => {
    assert.equal(checkMessage('x'.repeat(MAX_MESSAGE_BYTES), []).length, MAX_MESSAGE_BYTES)
    refuses('x'.repeat(MAX_MESSAGE_BYTES + 1), [], 'Invalid parameter: Message too long')
  })

  test('counts UTF-8 bytes, not characters', () => {
    assert.ok(checkMessage('é'.repeat(MAX_MESSAGE_BYTES / 2), []))
    refuses('é'.repeat(MAX_MESSAGE_BYTES / 2 + 1), [], 'Invalid parameter: Message too long')
  })

  test('adds name, data type and value of each attribute', () => {
    const attributes = [{ name: 'kind', dataType: 'String', value: 'new' }] // 4 + 6 + 3
    assert.ok(checkMessage('x'.repeat(MAX_MESSAGE_BYTES - 13), attributes))
    refuses('x'.repeat(MAX_MESSAGE_BYTES - 12), attributes, 'Invalid parameter: Message too long')
  })

  test('counts a Binary value decoded', () => {
    const attributes = [{ name: 'b', dataType: 'Binary.x', value: Buffer.alloc(100).toString('base64') }] // 1 + 8 + 100
    assert.ok(checkMessage('x'.repeat(MAX_MESSAGE_BYTES - 109), attributes))
    refuses('x'.repeat(MAX_MESSAGE_BYTES - 108), attributes, 'Invalid parameter: Message too long')
  })

  test('refuses an empty message, attributes or not', () => {
    refuses('', [], 'Invalid parameter: Empty message')
  })

  test('says in the framework’s words that it is missing', () => {
    assert.throws(() => checkMessage(undefined, []), { code: 'VALIDATION_ERROR' })
  })

  test('takes every character that XML 1.0 has', () => {
    for (const text of ['\t\n\r', ' \u007f\u0085', '\ud7ff\ue000\ufffd', '\u{10000}\u{10ffff}', '😀']) {
      assert.equal(checkMessage(text, []), text)
    }
  })

  for (const text of ['\0', '\u0008', '\u000b', '\u000c', '\u001f', '\ufffe', '\uffff', '\ud800', '\udc00x']) {
    test(`refuses ${JSON.stringify(text)}, which XML 1.0 does not have, without repeating the message`, () => {
      assert.throws(
        () => checkMessage(`secret${text}`, []),
        (error: Error & { code?: string }) =>
          error.code === 'INVALID_PARAMETER' &&
          error.message.startsWith('Invalid parameter: Message') &&
          !error.message.includes('secret'),
      )
    })
  }
})

function refuses(text: string, attributes: readonly MessageAttribute[], message: string): void {
  assert.throws(() => checkMessage(text, attributes), { code: 'INVALID_PARAMETER', message })
}
