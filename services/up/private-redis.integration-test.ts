import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { choosePorts } from './choose-ports.ts'
import { type DataDirectory, openDataDirectory } from './data-directory.ts'
import { openLogFiles } from './log-files.ts'
import { isPrivateRedisUrl, preparePrivateRedis, readRedisPassword, stopStrayRedis } from './private-redis.ts'
import { identifyProcess } from './process-identity.ts'
import { supervise } from './supervise.ts'

suite('preparePrivateRedis()', () => {
  test('gives a server with AOF, without eviction, that refuses whoever has no password', async (t) => {
    const { directory, start, cli } = setup(t)
    const { supervised } = await start()
    assert.equal(cli('config', 'get', 'appendonly'), 'appendonly\nyes')
    assert.equal(cli('config', 'get', 'appendfsync'), 'appendfsync\neverysec')
    assert.equal(cli('config', 'get', 'maxmemory-policy'), 'maxmemory-policy\nnoeviction')
    assert.equal(cli('config', 'get', 'bind'), 'bind\n127.0.0.1')
    assert.match(cli('-a', 'wrong', 'get', 'x'), /NOAUTH|WRONGPASS/)
    for (const file of [directory.redisConfig, directory.redisPassword])
      assert.equal(statSync(file).mode & 0o777, 0o600)
    await supervised.stop()
  })

  test('keeps its password and data over restarts, in a folder with blanks and quotes', async (t) => {
    const { start, cli, directory } = setup(t)
    assert.match(directory.home, /[ "]/)
    const first = await start()
    cli('set', 'kept', '1')
    await first.supervised.stop()
    const second = await start()
    assert.equal(cli('get', 'kept'), '1')
    await second.supervised.stop()
  })

  test('keeps what it wrote when it is killed', async (t) => {
    const { start, cli } = setup(t)
    const first = await start()
    cli('set', 'kept', '1')
    first.supervised.kill()
    await first.supervised.stop()
    const second = await start()
    assert.equal(cli('get', 'kept'), '1')
    await second.supervised.stop()
  })
})

suite('stopStrayRedis()', () => {
  test('stops a server with our password and waits until it wrote everything', async (t) => {
    const { start, cli, directory, password } = setup(t)
    const { pid, supervised } = await start()
    cli('set', 'kept', '1')
    // Seen as the next `up` would, which did not start it.
    assert.equal(await stopStrayRedis(directory, password), true)
    assert.equal(identifyProcess(pid()), undefined)
    await supervised.stop()
    assert.equal(await stopStrayRedis(directory, password), false)
  })

  test('leaves a server alone that is not ours', async (t) => {
    const { start, directory } = setup(t)
    const { pid, supervised } = await start()
    assert.equal(await stopStrayRedis(directory, 'another-password'), false)
    assert.ok(identifyProcess(pid()))
    await supervised.stop()
  })
})

suite('isPrivateRedisUrl()', () => {
  test('knows its own by the password, whatever the port was', () => {
    assert.equal(isPrivateRedisUrl('redis://:secret@127.0.0.1:1', 'secret'), true)
    assert.equal(isPrivateRedisUrl('redis://:secret@localhost:2/0', 'secret'), true)
    assert.equal(isPrivateRedisUrl('redis://:other@127.0.0.1:1', 'secret'), false)
    assert.equal(isPrivateRedisUrl('redis://:secret@redis.example:1', 'secret'), false)
    assert.equal(isPrivateRedisUrl('not a URL', 'secret'), false)
  })
})

function setup(t: TestContext) {
  const parent = mkdtempSync(join(tmpdir(), 'sealcast-redis-'))
  const directory: DataDirectory = openDataDirectory(join(parent, 'a "b" c'))
  const logs = openLogFiles({ folder: directory.logs, onLine: () => {} })
  const password = readRedisPassword(directory)
  t.after(() => {
    logs.close()
    rmSync(parent, { recursive: true })
  })
  let port = 0
  const start = async () => {
    if (port === 0) port = (await choosePorts({ redis: { host: '127.0.0.1', port: 0, variable: 'R' } })).redis
    const redis = preparePrivateRedis(directory, { port, password: readRedisPassword(directory) })
    let pid = 0
    const supervised = supervise(
      {
        name: 'redis',
        command: 'redis-server',
        args: [directory.redisConfig],
        env: process.env,
        cwd: directory.redis,
        ready: redis.whenReady,
        stopGraceMs: 10_000,
      },
      {
        logs,
        events: {
          onPid: (_name, started) => {
            if (started !== undefined) pid = started
          },
          onDeath: () => {},
          onRestarted: () => {},
        },
      },
    )
    t.after(() => supervised.kill())
    await supervised.start()
    return { supervised, pid: () => pid }
  }
  const cli = (...args: string[]) =>
    execFileSync('redis-cli', ['-p', String(port), ...args], {
      env: { ...process.env, REDISCLI_AUTH: readFileSync(directory.redisPassword, 'utf8') },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .toString('utf8')
      .trim()
  return { directory, password, start, cli }
}
