import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { checkImports } from './check-imports.ts'
import { IMPORT_RULES } from './import-rules.ts'

const fixtures = join(import.meta.dirname, 'fixtures', 'import-rules')

suite('checkImports()', () => {
  test('finds nothing wrong with the fixtures of its rules but what they break', async () => {
    const { problems } = await checkImports(fixtures)
    assert.ok(problems.length >= IMPORT_RULES.length)
    assert.deepEqual(
      problems.filter((problem) => problem.includes('does not notice')),
      [],
    )
  })

  test('fails when a rule does not notice its fixture', async (t) => {
    const folder = setup(t)
    cpSync(fixtures, folder, { recursive: true })
    rmSync(join(folder, 'shared', 'envelope', 'pure-folders-are-pure.ts'))
    const unnoticed = (await checkImports(fixtures, folder)).problems.filter((problem) =>
      problem.includes('does not notice'),
    )
    // Nor are libraries, of which there are none beside this copy.
    const ofOurs = unnoticed.filter((problem) => !problem.includes('-has-one-home'))
    assert.match(ofOurs.join('|'), /^The rule pure-folders-are-pure does not notice its fixture [^|]*$/)
  })

  test('fails when it looked at no module', async (t) => {
    const folder = setup(t)
    for (const name of ['services', 'shared', 'deploy', 'loadtest']) mkdirSync(join(folder, name))
    const { problems } = await checkImports(folder)
    assert.ok(problems.some((problem) => problem.startsWith('No module was looked at')))
  })
})

function setup(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealcast-imports-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}
