import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { ConfigError, withFileSettings } from './index.ts'

suite('withFileSettings()', () => {
  test('takes the URL of Redis from a file, without the line end', (t) => {
    const { file } = setup(t, 'redis://user:secret@redis:6379\n')
    const env = withFileSettings({ SEALCAST_REDIS_URL_FILE: file, OTHER: 'x' })
    assert.equal(env.SEALCAST_REDIS_URL, 'redis://user:secret@redis:6379')
    assert.equal(env.OTHER, 'x')
  })

  test('leaves an environment as it is that names no file', () => {
    assert.deepEqual(withFileSettings({ SEALCAST_REDIS_URL: 'redis://a', SEALCAST_REDIS_URL_FILE: '' }), {
      SEALCAST_REDIS_URL: 'redis://a',
      SEALCAST_REDIS_URL_FILE: '',
    })
  })

  test('refuses a value that is set both ways, and a file that is gone or empty, without showing a value', (t) => {
    const { file, empty } = setup(t, 'redis://user:secret@redis:6379')
    for (const env of [
      { SEALCAST_REDIS_URL_FILE: file, SEALCAST_REDIS_URL: 'redis://:secret@other' },
      { SEALCAST_REDIS_URL_FILE: empty },
      { SEALCAST_REDIS_URL_FILE: `${file}.gone` },
    ]) {
      assert.throws(
        () => withFileSettings(env),
        (error) =>
          error instanceof ConfigError &&
          error.message.includes('SEALCAST_REDIS_URL_FILE') &&
          !error.message.includes('secret'),
      )
    }
  })
})

function setup(t: TestContext, content: string) {
  const dir = mkdtempSync(join(tmpdir(), 'sealcast-file-settings-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'url')
  const empty = join(dir, 'empty')
  writeFileSync(file, content)
  writeFileSync(empty, '\n')
  return { file, empty }
}
