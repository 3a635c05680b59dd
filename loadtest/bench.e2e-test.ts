import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { suite, test } from 'node:test'

suite('npm run bench', () => {
  // One without wrk, which whoever runs the tests need not have.
  test('measures a row for real: every message published, delivered once and settled', async () => {
    const { code, stdout, stderr } = await bench('raw', '--quick', '--no-verdict')
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^\| raw .*\| ratio \d/m)
    assert.doesNotMatch(stdout, /INVALID|NaN/)
    // Both sides, and what the broker's processes used.
    assert.match(stdout, /\*\*bare POST loop\*\*/)
    assert.match(stdout, /\| worker .*\| endpoint .*\| others/)
    assert.match(stderr, /raw delivery, round 1: [1-9]/)
  })

  test('names its rows, and refuses others', async () => {
    const { code, stderr } = await bench('no-such-row')
    assert.equal(code, 2)
    assert.match(stderr, /No such row: no-such-row[\s\S]*publish /)
  })
})

function bench(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const main = join(import.meta.dirname, 'bench', 'main.ts')
    execFile(process.execPath, [main, ...args], { timeout: 120_000 }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr })
    })
  })
}
