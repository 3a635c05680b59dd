import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, suite, test } from 'node:test'

const main = join(import.meta.dirname, 'main.ts')

suite('npm run up -- --prepare-compose', () => {
  const home = mkdtempSync(join(tmpdir(), 'sealcast-compose-'))
  after(() => rmSync(home, { recursive: true }))
  const first = prepare(home)

  test('makes everything once, for one uid alone, and changes nothing the second time', () => {
    assert.match(first, /CA, gateway certificate, KMS certificate, broker secrets, principal/)
    const before = contents(home)
    assert.match(prepare(home), /is in place/)
    assert.deepEqual(contents(home), before)
    for (const path of globSync('**/*', { cwd: home })) {
      assert.equal(statSync(join(home, path)).mode & 0o077, 0, path)
    }
  })

  test('certifies the names by which clients and containers call gateways and KMS', () => {
    const ca = new X509Certificate(readFileSync(join(home, 'ca.pem')))
    for (const [folder, names] of [
      ['tls-gateway', ['localhost', 'gateway', 'gateway-2']],
      ['tls-kms', ['localhost', 'kms']],
    ] as const) {
      const certificate = new X509Certificate(readFileSync(join(home, folder, 'crt.pem')))
      assert.ok(certificate.verify(ca.publicKey))
      for (const name of names) assert.equal(certificate.checkHost(name), name)
    }
  })

  test('keeps passwords out of the variables and out of what Redis is given', () => {
    const password = readFileSync(join(home, 'redis', 'sealcast.password'), 'utf8')
    assert.ok(readFileSync(join(home, 'redis', 'url'), 'utf8').includes(password))
    for (const file of ['compose.env', 'redis/users.acl']) {
      assert.ok(!readFileSync(join(home, file), 'utf8').includes(password), file)
    }
  })

  test('gives Redis users that keep services to their keys, and lose nothing of a transaction when the AOF is replayed', async () => {
    {
      await using redis = await startRedis(home)
      redis.ask('sealcast', 'MULTI', 'SET sealcast:a 1', 'SET sealcast:b 2', 'EXEC')
      for (const command of ['SET other 1', 'FLUSHALL', 'CONFIG SET save 1', 'SHUTDOWN NOSAVE']) {
        assert.match(redis.ask('sealcast', command), /NOPERM/, command)
      }
    }
    await using again = await startRedis(home)
    assert.equal(again.ask('operator', 'MGET sealcast:a sealcast:b'), '1\n2')
  })
})

/** As docker-compose.yml starts it, on a socket instead of a port. */
async function startRedis(home: string) {
  const dir = join(home, 'data', 'redis')
  const socket = join(dir, 'redis.sock')
  const args = ['--port', '0', '--unixsocket', socket, '--dir', dir, '--appendonly', 'yes', '--save', '']
  const child = spawn('redis-server', [...args, '--aclfile', join(home, 'redis', 'users.acl')])
  for await (const line of createInterface({ input: child.stdout })) if (/ready to accept/i.test(line)) break
  child.stdout.resume()
  return {
    /** Commands, one a line, of one connection; answers, one a line. */
    ask(user: 'sealcast' | 'operator', ...lines: string[]) {
      const env = {
        PATH: process.env.PATH,
        REDISCLI_AUTH: readFileSync(join(home, 'redis', `${user}.password`), 'utf8'),
      }
      const cli = spawnSync('redis-cli', ['-s', socket, '--user', user], {
        env,
        input: lines.join('\n'),
        encoding: 'utf8',
      })
      return cli.stdout.trim()
    },
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

function prepare(home: string): string {
  const env = { PATH: process.env.PATH, SEALCAST_HOME: home }
  const { status, stderr } = spawnSync(process.execPath, [main, '--prepare-compose'], { env, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  return stderr
}

function contents(home: string) {
  const files = globSync('**/*', { cwd: home }).filter((path) => statSync(join(home, path)).isFile())
  return Object.fromEntries(files.map((path) => [path, readFileSync(join(home, path), 'utf8')]))
}
