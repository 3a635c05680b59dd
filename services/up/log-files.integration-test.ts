import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type LogFiles, openLogFiles } from './log-files.ts'

suite('openLogFiles()', () => {
  test('reads whole lines once, from where a file ended before', (t) => {
    const { logs, lines, folder } = setup(t)
    writeFileSync(join(folder, 'kms.log'), 'of an earlier run\n')
    const { fd, from } = open(logs)
    writeSync(fd, 'one\ntw')
    logs.poll()
    assert.deepEqual(lines, ['kms one'])
    writeSync(fd, 'ö\n\nthree\n')
    logs.poll()
    logs.poll()
    assert.deepEqual(lines, ['kms one', 'kms twö', 'kms three'])
    assert.deepEqual(logs.lastLines('kms', from, 2), ['', 'three'])
    closeSync(fd)
  })

  test('makes files for nobody else', (t) => {
    const { logs } = setup(t)
    closeSync(open(logs).fd)
    assert.equal(statSync(logs.path('kms')).mode & 0o777, 0o600)
  })

  test('cuts a file that grew too large, keeps one copy, and goes on reading', async (t) => {
    const { logs, lines } = setup(t, { largestBytes: 1000 })
    const { fd } = open(logs)
    writeSync(fd, `${'x'.repeat(1200)}\n`)
    logs.poll()
    for (let i = 0; i < 500 && statSync(logs.path('kms')).size > 0; i++) await sleep(5)
    assert.equal(readFileSync(`${logs.path('kms')}.1`, 'utf8').length, 1201)
    // Its writer still holds the same descriptor.
    writeSync(fd, 'after\n')
    logs.poll()
    assert.equal(readFileSync(logs.path('kms'), 'utf8'), 'after\n')
    assert.equal(lines.at(-1), 'kms after')
    closeSync(fd)
  })

  test('skips what grows faster than can be read, and a line without end', (t) => {
    const { logs, lines } = setup(t)
    const { fd } = open(logs)
    writeSync(fd, 'y'.repeat(5 * 1024 * 1024))
    logs.poll()
    writeSync(fd, '\nlater\n')
    logs.poll()
    assert.deepEqual(lines, ['kms later'])
    closeSync(fd)
  })

  test('bears with a file that somebody removed', (t) => {
    const { logs, lines } = setup(t)
    const first = open(logs)
    rmSync(logs.path('kms'))
    logs.poll()
    const second = open(logs)
    writeSync(second.fd, 'new\n')
    logs.poll()
    assert.deepEqual(lines, ['kms new'])
    for (const { fd } of [first, second]) closeSync(fd)
  })
})

function open(logs: LogFiles) {
  const log = logs.open('kms')
  assert.ok(log)
  return log
}

function setup(t: TestContext, options: { largestBytes?: number } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'sealcast-logs-'))
  const lines: string[] = []
  const logs = openLogFiles({ folder, onLine: (name, line) => lines.push(`${name} ${line}`), ...options })
  t.after(() => {
    logs.close()
    rmSync(folder, { recursive: true })
  })
  return { folder, lines, logs }
}
