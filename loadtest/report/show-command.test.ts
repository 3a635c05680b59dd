import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { showCommand } from './show-command.ts'

suite('showCommand()', () => {
  test('leaves plain words as they are', () => {
    assert.equal(showCommand(['kms', '--publishers', '3,5', '--html=a/b.html']), 'kms --publishers 3,5 --html=a/b.html')
  })

  test('gives a shell the same words again', () => {
    const word = fc.string({ unit: fc.constantFrom('a', ' ', "'", '"', '$', '\\\\', '{', '*', '\n', ';') })
    const lists = fc
      .sample(fc.array(word, { maxLength: 6 }), 200)
      .concat([['--faults', '{"faults": [{"kind": "reset"}]}', '']])
    const script = lists.map((words) => showCommand(['printf', '%s\\0', ...words, '|'])).join('; ')
    const said = execFileSync('sh', ['-c', script]).toString('utf8')
    assert.equal(said, lists.map((words) => [...words, '|'].map((each) => `${each}\0`).join('')).join(''))
  })
})
