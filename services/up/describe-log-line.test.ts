import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { suite, test } from 'node:test'
import { describeLogLine } from './describe-log-line.ts'
import { createLogPrinter } from './print-log.ts'

suite('describeLogLine()', () => {
  const head = '"time":"2026-01-01T00:00:00.000Z","service":"gateway"'

  test('says nothing of what is informative only', () => {
    assert.equal(describeLogLine(`{"level":"info",${head},"event":"gateway.ready"}`), undefined)
    assert.equal(describeLogLine(`{${head},"level":"debug","event":"x"}`), undefined)
    assert.equal(describeLogLine('  '), undefined)
  })

  test('shows warnings and errors with their fields and their cause', () => {
    const line = `{"level":"warn",${head},"event":"topic.slow","topicArn":"arn:x","note":"two words","n":3,"error":{"name":"E","code":"EPIPE","message":"gone"}}`
    assert.equal(describeLogLine(line), 'warn topic.slow topicArn=arn:x note="two words" n=3 (EPIPE: gone)')
  })

  test('tells an alarm from an error', () => {
    assert.equal(
      describeLogLine(`{"level":"error",${head},"alarm":true,"event":"record.forged"}`),
      'ALARM record.forged',
    )
  })

  test('shows of a crash that Node reports the one line that says what went wrong', () => {
    const script = "{\n  throw Object.assign(new Error('disk full'), { code: 'ENOSPC' })\n}"
    const module = `data:text/javascript,${encodeURIComponent(script)}`
    const { stderr } = spawnSync(process.execPath, ['--import', module, '-e', ''], { encoding: 'utf8' })
    const lines = stderr.replaceAll(module, 'file:///checkout/services/gateway/main.ts').split('\n')
    assert.ok(lines.length > 8, stderr)
    assert.deepEqual(
      lines.map(describeLogLine).filter((line) => line !== undefined),
      ['Error: disk full'],
    )
  })

  test('shows whatever else is not from our log', () => {
    assert.equal(describeLogLine('7'), '7')
    assert.equal(describeLogLine('x'.repeat(1000))?.length, 501)
  })
})

suite('createLogPrinter()', () => {
  test('stops after ten lines of one process in a second, and says so once', () => {
    const shown: string[] = []
    const print = createLogPrinter((who, text) => shown.push(`${who} ${text}`))
    for (let i = 0; i < 50; i++) print('kms', `boom ${i}`)
    print('gateway', 'boom')
    assert.equal(shown.length, 12)
    assert.deepEqual(shown.slice(-3), ['kms boom 9', 'kms … more in logs/kms.log', 'gateway boom'])
  })

  test('leaves what Redis says in its file', () => {
    const shown: string[] = []
    createLogPrinter((_who, text) => shown.push(text))('redis', '1:M # WARNING overcommit_memory is 0')
    assert.deepEqual(shown, [])
  })
})
