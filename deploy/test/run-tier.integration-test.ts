import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { promisify } from 'node:util'

suite('runTier()', { concurrency: 2 }, () => {
  test('counts tests, not suites or files, and names failed files with their output', async (t) => {
    const { counts, text } = await setup(t, {
      'good.test.mjs': `suite('s', () => { test('a', () => {}); test('b', () => {}); test('c', { skip: true }, () => {}) })`,
      'bad.test.mjs': `console.log('said before'); suite('s', () => { test('d', () => {}); test('e', () => assert.equal(1, 2)) })`,
    })
    assert.deepEqual(counts, { passed: 3, failed: 1, skipped: 1 })
    assert.match(text, /✖ e\n {2}bad\.test\.mjs:\d+\n[\s\S]*AssertionError/)
    assert.match(text, /Output of bad\.test\.mjs:\n {4}said before/)
    assert.doesNotMatch(text, /✖ s\n/)
  })

  test('counts a file that cannot be loaded, that exits, or that holds no test as failed', async (t) => {
    const { counts } = await setup(t, {
      'broken.test.mjs': `throw new Error('no')`,
      'exits.test.mjs': `process.exit(3)`,
      'empty.test.mjs': ``,
    })
    assert.deepEqual(counts, { passed: 0, failed: 3, skipped: 0 })
  })

  test('ends a file that hangs', async (t) => {
    const { counts } = await setup(
      t,
      { 'hangs.test.mjs': `test('h', () => new Promise(() => setInterval(() => {}, 1000)))` },
      { timeoutMs: 700 },
    )
    assert.equal(counts.passed, 0)
    assert.ok(counts.failed > 0)
  })
})

async function setup(
  t: { after(work: () => void): void },
  contents: Record<string, string>,
  { timeoutMs = 20_000 }: { timeoutMs?: number } = {},
) {
  const root = mkdtempSync(join(tmpdir(), 'sealcast-run-tier-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const head = `import { suite, test } from 'node:test'; import assert from 'node:assert/strict';\n`
  for (const [file, content] of Object.entries(contents)) writeFileSync(join(root, file), head + content)
  const options = { root, tier: 'unit', files: Object.keys(contents), concurrency: 2, timeoutMs }
  // In a process of its own that does not know it runs under a test: run() refuses to nest.
  const script = `
    import { runTier } from ${JSON.stringify(join(import.meta.dirname, 'run-tier.ts'))}
    let text = ''
    const signal = new AbortController().signal
    const counts = await runTier({ ...${JSON.stringify(options)}, signal, print: (line) => { text += line } })
    process.stdout.write(JSON.stringify({ counts, text }))`
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  writeFileSync(join(root, 'script.mjs'), script)
  const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'script.mjs')], { env })
  return JSON.parse(stdout) as { counts: { passed: number; failed: number; skipped: number }; text: string }
}
