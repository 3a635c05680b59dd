import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { suite, test } from 'node:test'

const SECRET = 'three-crates'

suite('reportCrashes()', () => {
  for (const [what, code] of [
    ['thrown', `setImmediate(() => { throw Object.assign(new Error('boom'), { command: { args: ['${SECRET}'] } }) })`],
    ['rejected', `Promise.reject(Object.assign(new Error('boom'), { $response: { body: '${SECRET}' } }))`],
    ['thrown by the main module', `throw Object.assign(new TypeError('boom'), { headers: '${SECRET}' })`],
    ['with a cause', `throw new Error('boom', { cause: new Error('${SECRET}') })`],
    ['of a parser', `setImmediate(() => JSON.parse('{"Message": ${SECRET}}'))`],
    ['that is none', `setImmediate(() => { throw '${SECRET}' })`],
  ] as const) {
    test(`tells of an error ${what} no more than what, and where, and ends the process with 1`, async () => {
      const { status, output, lines } = await run(code)
      assert.equal(status, 1)
      assert.ok(!output.includes(SECRET), output)
      assert.equal(lines.at(-1)?.event, 'process.crashed')
      if (what !== 'that is none') assert.match(String(lines.at(-1)?.frames), /^at /)
    })
  }

  test('keeps the message, which says what happened', async () => {
    const { lines } = await run(`throw new TypeError('no function')`)
    assert.deepEqual(lines.at(-1)?.error, { name: 'TypeError', code: 'UNKNOWN', message: 'no function' })
  })
})

suite('keepInspectorShut()', () => {
  test('leaves SIGUSR1 without effect', { timeout: 10_000 }, async () => {
    const child = start(`log.info('ready'); log.flush(); setInterval(() => log.flush(), 10)`)
    let errors = ''
    child.stderr?.on('data', (chunk) => {
      errors += chunk
    })
    const events: string[] = []
    for await (const line of createInterface({ input: child.stdout ?? process.stdin })) {
      events.push(JSON.parse(line).event)
      if (events.at(-1) === 'ready') child.kill('SIGUSR1')
      if (events.at(-1) === 'process.inspector-refused') break
    }
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.ok(!errors.includes('Debugger listening'), errors)
  })

  test('warns of an inspector that is open', async () => {
    const { lines } = await run('', ['--inspect=127.0.0.1:0'])
    assert.equal(lines[0]?.event, 'process.inspector-open')
    assert.deepEqual((await run('')).lines, [])
  })
})

async function run(code: string, args: readonly string[] = []) {
  const child = start(code, args)
  let output = ''
  let logged = ''
  child.stdout?.on('data', (chunk) => {
    logged += chunk
  })
  child.stderr?.on('data', (chunk) => {
    output += chunk
  })
  const [status] = await once(child, 'close')
  const lines = logged
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Record<string, unknown> => JSON.parse(line))
  return { status, output: output + logged, lines }
}

function start(code: string, args: readonly string[] = []): ChildProcess {
  const program = `
    import { createLog } from ${JSON.stringify(join(import.meta.dirname, '../log/index.ts'))}
    import { keepInspectorShut, reportCrashes } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))}
    const log = createLog({ service: 'test' })
    reportCrashes(log)
    keepInspectorShut(log)
    ${code}
  `
  const env = { PATH: process.env.PATH }
  return spawn(process.execPath, [...args, '--input-type=module', '-e', program], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}
