import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startTestRedis } from './index.ts'

suite('startTestRedis()', () => {
  test('answers on loopback and removes its directory when disposed', async () => {
    let dir: string
    let pid: number
    {
      await using redis = await startTestRedis()
      dir = redis.dir
      pid = redis.pid
      assert.equal(await redis.cli('ping'), 'PONG')
      await access(dir)
    }
    await assert.rejects(access(dir), { code: 'ENOENT' })
    assert.equal(isRunning(pid), false)
  })

  test('brings appended data back after stop and after kill, on the same port', async () => {
    await using redis = await startTestRedis({ appendonly: true })
    await redis.cli('set', 'a', '1')
    await redis.stop()
    await assert.rejects(redis.cli('ping'))
    await redis.start()
    assert.equal(await redis.cli('get', 'a'), '1')
    await redis.cli('set', 'b', '2')
    redis.kill()
    await redis.start()
    assert.equal(await redis.cli('mget', 'a', 'b'), '1\n2')
  })

  test('keeps a directory that was handed in', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'sealcast-test-redis-kept-'))
    try {
      {
        await using redis = await startTestRedis({ dir, appendonly: true })
        await redis.cli('set', 'a', '1')
      }
      await using again = await startTestRedis({ dir, appendonly: true })
      assert.equal(await again.cli('get', 'a'), '1')
    } finally {
      await rm(dir, { recursive: true })
    }
  })

  test('leaves commands unanswered while paused', async () => {
    await using redis = await startTestRedis()
    redis.pause()
    let answered = false
    const reply = redis.cli('ping').then((text) => {
      answered = true
      return text
    })
    await delay(100)
    assert.equal(answered, false)
    redis.resume()
    assert.equal(await reply, 'PONG')
  })

  test('refuses keys of two slots in cluster mode and serves every slot', async () => {
    await using redis = await startTestRedis({ cluster: true })
    assert.equal(await redis.cli('set', '{a}x', '1'), 'OK')
    assert.equal(await redis.cli('set', '{b}x', '1'), 'OK')
    await assert.rejects(redis.cli('mget', '{a}x', '{b}x'))
  })

  test('leaves no server and no directory behind when the test process is killed', async () => {
    const script = `import { startTestRedis } from ${JSON.stringify(import.meta.resolve('./index.ts'))}
      const redis = await startTestRedis()
      process.stdout.write(redis.pid + ' ' + redis.dir)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [output] = await once(child.stdout, 'data')
    const [pid, dir = ''] = String(output).split(' ')
    assert.equal(isRunning(Number(pid)), true)
    child.kill('SIGKILL')
    const isGone = async () =>
      !isRunning(Number(pid)) &&
      (await access(dir).then(
        () => false,
        () => true,
      ))
    const deadline = Date.now() + 10_000
    while (!(await isGone()) && Date.now() < deadline) await delay(20)
    assert.equal(await isGone(), true)
  })
})

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
