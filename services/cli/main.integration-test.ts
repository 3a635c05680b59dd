import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'

suite('services/cli/main.ts', () => {
  test('adds a principal, and exits with 2 when it is added again', async () => {
    await using home = await setup()
    const first = await home.run('principals', 'add', '--user', 'alice', '--json')
    assert.equal(first.code, 0)
    assert.match(JSON.parse(first.output).accessKeyId, /^AKIA/)
    const second = await home.run('principals', 'add', '--user', 'alice', '--json')
    assert.deepEqual([second.code, second.output], [2, ''])
    assert.match(second.errors, /^sealcast: Cannot add [^\n]+\n$/)
  })

  test('loses nobody when several processes add at once', async () => {
    await using home = await setup()
    const codes = await Promise.all(
      ['alice', 'bob', 'carol'].map(async (user) => (await home.run('principals', 'add', '--user', user)).code),
    )
    assert.deepEqual(codes, [0, 0, 0])
    for (const user of ['alice', 'bob', 'carol']) {
      assert.equal((await home.run('principals', 'add', '--user', user)).code, 2)
    }
  })
})

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))

async function setup() {
  const path = await mkdtemp(join(tmpdir(), 'cli-'))
  return {
    run: (...words: string[]) =>
      new Promise<{ code: number; output: string; errors: string }>((resolve) => {
        const env = { PATH: process.env.PATH, SEALCAST_HOME: path }
        execFile(process.execPath, [MAIN, ...words], { env }, (error, output, errors) => {
          resolve({ code: error === null ? 0 : Number(error.code), output, errors })
        })
      }),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}
