import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'

suite('services/up/main.ts', () => {
  test('names the variable of a taken port, ends with 1 and leaves nothing running', async (t) => {
    const { home, up } = setup(t)
    const taken = createServer()
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, '127.0.0.1', () => resolve((taken.address() as { port: number }).port))
    })
    t.after(() => taken.close())
    const { code, stdout, stderr } = await up([], { SEALCAST_GATEWAY_PORT: String(port) })
    assert.equal(code, 1)
    assert.match(stderr, new RegExp(`port ${port} on 127.0.0.1 is in use; SEALCAST_GATEWAY_PORT`))
    assert.equal(stdout, '')
    assert.deepEqual(readdirSync(join(home, 'run')), [])
    assert.equal(existsSync(join(home, 'env')), false)
  })

  test('undoes everything when a signal comes while it starts', async (t) => {
    const { home, start } = setup(t)
    const { child, ended } = start()
    await new Promise<void>((resolve) => {
      child.stderr?.on('data', (chunk: Buffer) => {
        if (chunk.includes('redis ')) resolve()
      })
    })
    child.kill('SIGTERM')
    const { code, stderr } = await ended
    assert.equal(code, 0)
    assert.match(stderr, /redis +stopped/)
    assert.doesNotMatch(stderr, /is ready at https/)
    assert.deepEqual(readdirSync(join(home, 'run')), [])
    assert.equal(existsSync(join(home, 'env')), false)
  })

  test('refuses a KMS it does not know before it touches anything', async (t) => {
    const { home, up } = setup(t)
    const { code, stderr } = await up([], { SEALCAST_KMS: 'cloud' })
    assert.equal(code, 1)
    assert.match(stderr, /^Cannot start: SEALCAST_KMS must be one of local, aws[^\n]*\n$/)
    assert.deepEqual(readdirSync(home), [])
  })

  for (const [what, url] of [
    ['does not answer', 'redis://:secret@127.0.0.1:1'],
    ['has no Redis URL', 'http://:secret@127.0.0.1:1'],
  ] as const) {
    test(`says in one line, without the password, that a Redis of somebody else ${what}`, async (t) => {
      const { up } = setup(t)
      const { code, stderr } = await up([], { SEALCAST_REDIS_URL: url })
      assert.equal(code, 1)
      assert.match(stderr, /^Cannot start with the Redis of SEALCAST_REDIS_URL: [^\n]+\n$/)
      assert.doesNotMatch(stderr, /secret/)
    })
  }

  test('says why a service refused to start, without a stack', async (t) => {
    const { up } = setup(t)
    const { code, stderr } = await up([], { SEALCAST_DATA_KEY_REUSE_SECONDS: '301' })
    assert.equal(code, 1)
    assert.match(stderr, /\nCannot start gateway: [^\n]+\n {2}[^\n]*SEALCAST_DATA_KEY_REUSE_SECONDS[^\n]+ 301\)\n$/)
    assert.doesNotMatch(stderr, /^ *at |main\.ts:\d/m)
  })

  test('explains itself, and refuses arguments it does not know', async (t) => {
    const { up } = setup(t)
    const help = await up(['--help'])
    assert.deepEqual([help.code, help.stdout], [0, ''])
    assert.match(help.stderr, /^Usage: npm run up /)
    assert.match(help.stderr, /--gateways/)
    for (const args of [['--gateway'], ['--workers', '33']]) {
      const refused = await up(args)
      assert.equal(refused.code, 2)
      assert.match(refused.stderr, new RegExp(`^[^\\n]*${args[0]}[^\\n]*\\n$`))
    }
  })
})

function setup(t: TestContext) {
  const home = mkdtempSync(join(tmpdir(), 'sealcast-up-'))
  t.after(() => rmSync(home, { recursive: true, force: true }))
  const ports = ['GATEWAY', 'KMS', 'KMS_ADMIN', 'REDIS', 'METRICS'].map((name) => [`SEALCAST_${name}_PORT`, '0'])
  const start = (args: string[] = [], env: Record<string, string> = {}) => {
    const options = { env: { ...process.env, ...Object.fromEntries(ports), SEALCAST_HOME: home, ...env } }
    const { promise: ended, resolve } = Promise.withResolvers<{ code: number; stdout: string; stderr: string }>()
    const script = join(import.meta.dirname, 'main.ts')
    const child = execFile(process.execPath, [script, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
    })
    t.after(() => child.kill('SIGTERM'))
    return { child, ended }
  }
  return { home, start, up: (args: string[], env?: Record<string, string>) => start(args, env).ended }
}
