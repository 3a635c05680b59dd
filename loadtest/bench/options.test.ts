import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { readOptions } from './options.ts'

suite('readOptions()', () => {
  test('takes rows and options in any order', () => {
    assert.deepEqual(readOptions([]), { rows: [], quick: false, verdict: true, profile: false, help: false })
    assert.deepEqual(readOptions(['seal', '--quick', 'publish', '--no-verdict', '--profile']), {
      rows: ['seal', 'publish'],
      quick: true,
      verdict: false,
      profile: true,
      help: false,
    })
  })

  test('refuses what it does not know', () => assert.throws(() => readOptions(['--fast']), /--fast/))
})
