import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'

suite('services/demo/main.ts', () => {
  test('says how to start the stack when none runs', async (t) => {
    const { code, stderr } = await setup(t)()
    assert.equal(code, 1)
    assert.match(stderr, /^Cannot run the demo: [^\n]+npm run up\n$/)
  })

  test('explains itself, and refuses arguments it does not know', async (t) => {
    const demo = setup(t)
    const help = await demo('--help')
    assert.deepEqual([help.code, help.stderr], [0, ''])
    assert.match(help.stdout, /^Usage: npm run demo\n/)
    const unknown = await demo('twice')
    assert.deepEqual([unknown.code, unknown.stdout], [2, ''])
    assert.match(unknown.stderr, /^Unknown argument twice\n/)
  })
})

function setup(t: TestContext) {
  const home = mkdtempSync(join(tmpdir(), 'sealcast-demo-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  return (...args: string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const env = { PATH: process.env.PATH, SEALCAST_HOME: home }
      const script = join(import.meta.dirname, 'main.ts')
      execFile(process.execPath, [script, ...args], { env }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
      })
    })
}
