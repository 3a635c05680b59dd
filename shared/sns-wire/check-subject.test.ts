import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { checkSubject } from './check-subject.ts'

suite('checkSubject()', () => {
  test('counts UTF-16 code units: 100 letters or 50 emoji', () => {
    for (const subject of ['x', 'a'.repeat(100), 'é'.repeat(100), '😀'.repeat(50), ' spaces ']) {
      assert.equal(checkSubject(subject), subject)
    }
  })

  const refused: Record<string, string> = {
    'an empty text': '',
    '101 letters': 'a'.repeat(101),
    '51 emoji': '😀'.repeat(51),
    'a line feed': 'a\nb',
    'a carriage return': 'a\rb',
    'a tab': 'a\tb',
    'an escape character': 'a\u001bb',
    'a delete character': 'a\u007fb',
    'a next-line character': 'a\u0085b',
    'a line separator': 'a\u2028b',
    'a character that XML does not have': 'a\uffff',
    'half a surrogate pair': 'a\ud83d',
  }
  for (const [name, subject] of Object.entries(refused)) {
    test(`refuses ${name}`, () => {
      assert.throws(() => checkSubject(subject), { code: 'INVALID_PARAMETER', message: 'Invalid parameter: Subject' })
    })
  }
})
