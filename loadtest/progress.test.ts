import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createProgress } from './progress.ts'

suite('createProgress()', () => {
  test('says a line every few seconds where nobody watches', () => {
    let text = ''
    let now = 0
    const stream = { isTTY: false, write: (chunk: string) => (text += chunk) } as unknown as NodeJS.WriteStream
    const progress = createProgress(stream, () => now)
    progress.say('starting')
    progress.start(20)
    for (; now <= 11_000; now += 1000) progress.update(now / 1000, `at ${now}`)
    progress.stop()
    assert.equal(text, 'loadtest  starting\nloadtest  25 %  at 5000\nloadtest  50 %  at 10000\n')
  })
})
