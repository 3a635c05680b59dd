import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { createLineWriter } from './line-writer.ts'

suite('createLineWriter()', () => {
  test('writes every line once and in order, flushed or not', async () => {
    const { path, descriptor, dispose } = setup()
    const writer = createLineWriter(descriptor)
    const lines = Array.from({ length: 5_000 }, (_, n) => `{"n":${n},"text":"é\u{1F34A}"}\n`)
    for (const [n, line] of lines.entries()) {
      writer.write(line)
      if (n % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    while (readFileSync(path).byteLength < Buffer.byteLength(lines.slice(0, -200).join(''))) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    writer.flush()
    assert.equal(readFileSync(path, 'utf8'), lines.join(''))
    dispose()
  })

  test('lets a process end whose reader is gone', async () => {
    // The child writes on after its reader closed the pipe, then flushes and ends by itself.
    const code = `
      import { createLog } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))}
      const log = createLog({ service: 'test' })
      log.info('first')
      log.flush()
      await new Promise((resolve) => process.stdin.once('data', resolve))
      process.stdin.destroy()
      log.info('second')
      log.flush()
      log.info('third')
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['pipe', 'pipe', 'inherit'] })
    const ended = new Promise<unknown>((resolve) => child.once('exit', resolve))
    await new Promise((resolve) => child.stdout.once('data', resolve))
    child.stdout.destroy()
    child.stdin.write('go\n')
    const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
    assert.equal(await ended, 0, 'it ended by itself')
    clearTimeout(timer)
  })

  test('writes at exit what nobody flushed', async () => {
    const code = `
      import { createLog } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))}
      createLog({ service: 'test' }).info('last words')
      process.exit(3)
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (chunk) => {
      text += chunk
    })
    const status = await new Promise((resolve) => child.once('close', resolve))
    assert.equal(status, 3)
    assert.match(text, /"event":"last words"/)
  })
})

function setup() {
  const dir = mkdtempSync(join(tmpdir(), 'sealcast-log-'))
  const path = join(dir, 'out.log')
  const descriptor = openSync(path, 'a')
  return {
    path,
    descriptor,
    dispose() {
      closeSync(descriptor)
      rmSync(dir, { recursive: true })
    },
  }
}
