import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { openDataDirectory } from './data-directory.ts'

suite('openDataDirectory()', () => {
  test('makes it with what lies above it and the folders in it, open to nobody else', (t) => {
    const home = join(setup(t), 'not', 'there yet')
    const directory = openDataDirectory(home)
    for (const folder of [home, directory.secrets, directory.run]) assert.equal(statSync(folder).mode & 0o777, 0o700)
    assert.deepEqual(openDataDirectory(home), directory)
  })

  test('closes one that was open, also behind a link', (t) => {
    const folder = setup(t)
    mkdirSync(join(folder, 'real'))
    chmodSync(join(folder, 'real'), 0o777)
    symlinkSync('real', join(folder, 'link'))
    openDataDirectory(join(folder, 'link'))
    assert.equal(statSync(join(folder, 'real')).mode & 0o777, 0o700)
  })

  test('refuses a file, one below a file, and a dangling link, and touches none of them', (t) => {
    const folder = setup(t)
    const file = join(folder, 'file')
    writeFileSync(file, '', { mode: 0o644 })
    symlinkSync('nowhere', join(folder, 'dangling'))
    for (const home of [file, join(file, 'below'), join(folder, 'dangling')]) {
      assert.throws(() => openDataDirectory(home), { code: 'UP_DATA_DIRECTORY_UNUSABLE', message: /SEALCAST_HOME/ })
    }
    assert.equal(statSync(file).mode & 0o777, 0o644)
  })

  test('refuses a place that takes no folders rather than try for ever', { skip: process.platform !== 'linux' }, () => {
    assert.throws(() => openDataDirectory('/proc/sealcast/home'), { code: 'UP_DATA_DIRECTORY_UNUSABLE' })
  })
})

function setup(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealcast-home-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
