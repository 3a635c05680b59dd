import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { suite, test } from 'node:test'

suite('npm run bench', () => {
  test('measures a row for real: every request answered, published and appended', async () => {
    const { code, stdout, stderr } = await bench('publish', '--quick', '--no-verdict')
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^\| publish .*\| ratio \d/m)
    assert.doesNotMatch(stdout, /INVALID|NaN/)
    // Both sides, and what the broker's processes used.
    assert.match(stdout, /\*\*bare node:https\*\*/)
    assert.match(stdout, /\| gateway .*\| client .*\| others/)
    assert.match(stderr, /Publish, round 1: [1-9]/)
  })

  test('names its rows, and refuses others', async () => {
    const { code, stderr } = await bench('no-such-row')
    assert.equal(code, 2)
    assert.match(stderr, /No such row: no-such-row[\s\S]*publish /)
  })
})

function bench(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const main = join(import.meta.dirname, 'main.ts')
    execFile(process.execPath, [main, ...args], { timeout: 120_000 }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr })
    })
  })
}
