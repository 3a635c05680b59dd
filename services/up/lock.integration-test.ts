import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { acquireLock } from './lock.ts'
import { identifyProcess } from './process-identity.ts'

suite('acquireLock()', () => {
  test('refuses a second holder and names the first', (t) => {
    const { path } = setup(t)
    const lock = acquireLock(path)
    assert.throws(() => acquireLock(path), { code: 'UP_ALREADY_RUNNING', message: new RegExp(`pid ${process.pid}\\b`) })
    lock.release()
    acquireLock(path).release()
  })

  test('takes over from a holder that was killed', async (t) => {
    const { path } = setup(t)
    const holder = await startHolder(path)
    assert.throws(() => acquireLock(path), { code: 'UP_ALREADY_RUNNING', message: new RegExp(`pid ${holder.pid}\\b`) })
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    acquireLock(path).release()
  })

  test('is not deceived by another process with the pid of the holder', (t) => {
    const { path } = setup(t)
    const identity = identifyProcess(process.pid)
    writeFileSync(path, JSON.stringify({ ...identity, startedAt: 'earlier', token: 'x' }))
    acquireLock(path).release()
  })

  test('takes over a lock that a crash cut short', (t) => {
    const { path } = setup(t)
    for (const text of ['', '{"pid":1', '{"pid":"1","startedAt":"x"}']) {
      writeFileSync(path, text)
      acquireLock(path).release()
    }
  })

  test('releases only what is its own, and leaves no file behind', (t) => {
    const { path, folder } = setup(t)
    const lock = acquireLock(path)
    const own = readFileSync(path, 'utf8')
    writeFileSync(path, own.replace(/"token":".*?"/, '"token":"another"'))
    lock.release()
    assert.deepEqual(readdirSync(folder), ['lock'])
  })

  test('gives a stale lock to exactly one of many at once', async (t) => {
    const { path, folder } = setup(t)
    writeFileSync(path, '{"pid":1,"startedAt":"long ago"}')
    const contenders = await Promise.all(Array.from({ length: 6 }, () => startHolder(path)))
    t.after(() => {
      for (const contender of contenders) contender.kill('SIGKILL')
    })
    assert.equal(contenders.filter(({ exitCode }) => exitCode === null).length, 1)
    assert.deepEqual(readdirSync(folder), ['lock'])
  })
})

suite('identifyProcess()', () => {
  test('tells a running process from one that ended', async () => {
    const child = spawn('sleep', ['60'])
    const identity = identifyProcess(child.pid ?? 0)
    assert.deepEqual(identifyProcess(child.pid ?? 0), identity)
    assert.ok(identity)
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.equal(identifyProcess(child.pid ?? 0), undefined)
  })
})

function setup(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'sealcast-lock-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return { folder, path: join(folder, 'lock') }
}

/** A process that takes the lock and keeps it, or ends. @returns when it has decided */
async function startHolder(path: string): Promise<ChildProcess> {
  const script = `
    import { acquireLock } from ${JSON.stringify(join(import.meta.dirname, 'lock.ts'))}
    try { acquireLock(${JSON.stringify(path)}); process.send('held'); setInterval(() => {}, 1000) } catch { process.exit(1) }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  await Promise.race([once(child, 'message'), once(child, 'exit')])
  return child
}
