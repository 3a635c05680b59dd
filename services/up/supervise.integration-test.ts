import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { replaceFile } from './data-directory.ts'
import { openLogFiles } from './log-files.ts'
import { endLeftovers, openPidFile } from './pid-file.ts'
import { identifyProcess } from './process-identity.ts'
import { type ProcessPlan, supervise } from './supervise.ts'

const testing = join(import.meta.dirname, 'testing')

suite('supervise()', () => {
  test('starts a process when it says it is ready, and stops it with SIGTERM', async (t) => {
    const { supervised, pids } = setup(t, 'obedient')
    await supervised.start()
    assert.ok(isRunning(pids[0]))
    await supervised.stop()
    assert.ok(!isRunning(pids[0]))
    assert.equal(pids.length, 1)
  })

  test('starts it again after a kill -9', async (t) => {
    const { supervised, pids, events } = setup(t, 'obedient')
    await supervised.start()
    process.kill(pids[0] ?? 0, 'SIGKILL')
    const [how, delayMs] = await once(events, 'death')
    assert.match(how, /SIGKILL/)
    assert.equal(delayMs, 200)
    await once(events, 'restarted')
    assert.notEqual(pids[1], pids[0])
    assert.ok(isRunning(pids[1]))
    await supervised.stop()
    assert.ok(!isRunning(pids[1]))
  })

  test('waits longer after each death of a process that does not live long', async (t) => {
    const { supervised, pids, events } = setup(t, 'obedient')
    await supervised.start()
    const delays: number[] = []
    events.on('death', (_how, delayMs) => delays.push(delayMs))
    for (let i = 0; i < 3; i++) {
      const restarted = once(events, 'restarted')
      process.kill(pids.at(-1) ?? 0, 'SIGKILL')
      await restarted
    }
    assert.deepEqual(delays, [200, 400, 800])
    await supervised.stop()
  })

  test('kills what does not heed SIGTERM in time', async (t) => {
    const { supervised, pids } = setup(t, 'stubborn', { stopGraceMs: 150 })
    await supervised.start()
    await supervised.stop()
    assert.ok(!isRunning(pids[0]))
  })

  test('kills at once when it is told to hurry', async (t) => {
    const { supervised, pids } = setup(t, 'stubborn', { stopGraceMs: 60_000 })
    await supervised.start()
    const stopped = supervised.stop()
    supervised.kill()
    await stopped
    assert.ok(!isRunning(pids[0]))
  })

  test('does not start it again when it is stopped while it waits', async (t) => {
    const { supervised, pids, events } = setup(t, 'obedient')
    await supervised.start()
    process.kill(pids[0] ?? 0, 'SIGKILL')
    await once(events, 'death')
    await supervised.stop()
    await sleep(300)
    assert.equal(pids.length, 1)
  })

  test('reports one that ends before it is ready, with the end of its log', async (t) => {
    const { supervised, pids } = setup(t, 'doomed')
    await assert.rejects(supervised.start(), { code: 'UP_START_FAILED', message: /exited with 3[\s\S]*doomed \d+/ })
    await supervised.stop()
    assert.equal(pids.length, 1)
  })

  test('reports one that gives no sign in time, and ends it', async (t) => {
    const { supervised, pids } = setup(t, 'silent', { readyWithinMs: 300 })
    await assert.rejects(supervised.start(), { code: 'UP_START_FAILED', message: /0\.3 s/ })
    assert.ok(!isRunning(pids[0]))
  })

  test('reports a program that does not exist', async (t) => {
    const { supervised } = setup(t, 'obedient', { command: 'no-such-program' })
    await assert.rejects(supervised.start(), { code: 'UP_START_FAILED', message: /ENOENT/ })
    await supervised.stop()
  })

  test('a killed supervisor leaves no process behind', async (t) => {
    const folder = makeFolder(t)
    const supervisor = spawn(process.execPath, [join(testing, 'supervise-stand-in.ts'), folder], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    await once(supervisor, 'message')
    const pid = JSON.parse(readFileSync(join(folder, 'pids.json'), 'utf8'))['stand-in'].pid
    assert.ok(isRunning(pid))
    supervisor.kill('SIGKILL')
    await once(supervisor, 'exit')
    for (let i = 0; i < 500 && isRunning(pid); i++) await sleep(10)
    assert.ok(!isRunning(pid))
  })
})

suite('a supervised process', () => {
  test('runs without a log when its file cannot be opened, and survives the removal of the folder', async (t) => {
    const { supervised, events, pids, folder } = setup(t, 'obedient')
    rmSync(folder, { recursive: true })
    mkdirSync(folder)
    mkdirSync(join(folder, 'stand-in.log'))
    await supervised.start()
    process.kill(pids[0] ?? 0, 'SIGKILL')
    await once(events, 'restarted')
    await supervised.stop()
  })
})

suite('endLeftovers()', () => {
  test('ends what a pid file names, Redis last, and kills what does not heed', async (t) => {
    const { path, children, ended } = await startLeftovers(t, {
      kms: 'obedient',
      gateway: 'stubborn',
      redis: 'obedient',
    })
    const names = await endLeftovers(path, { graceMs: 200, redisGraceMs: 200 })
    assert.deepEqual(names.toSorted(), ['gateway', 'kms', 'redis'])
    assert.ok(children.every(({ pid }) => !isRunning(pid)))
    await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')))
    assert.equal(ended.at(-1), 'redis')
  })

  test('leaves alone a process that only has the pid of one of ours', async (t) => {
    const { path, children } = await startLeftovers(t, { kms: 'obedient' }, 'earlier')
    assert.deepEqual(await endLeftovers(path, { graceMs: 100, redisGraceMs: 100 }), [])
    assert.ok(isRunning(children[0]?.pid))
  })

  test('has nothing to do without a file, or with one that is not ours', async (t) => {
    const path = join(makeFolder(t), 'pids.json')
    assert.equal(existsSync(path), false)
    assert.deepEqual(await endLeftovers(path, { graceMs: 100, redisGraceMs: 100 }), [])
  })
})

function setup(t: TestContext, manner: string, changes: Partial<ProcessPlan> = {}) {
  const folder = makeFolder(t)
  const events = new EventEmitter()
  const pids: number[] = []
  const logs = openLogFiles({ folder, onLine: () => {} })
  const supervised = supervise(
    {
      name: 'stand-in',
      command: process.execPath,
      args: [join(testing, 'stand-in.ts'), manner],
      env: process.env,
      cwd: folder,
      ready: 'message',
      stopGraceMs: 5_000,
      ...changes,
    },
    {
      logs,
      events: {
        onPid: (_name, pid) => {
          if (pid !== undefined) pids.push(pid)
        },
        onDeath: (_name, how, delayMs) => events.emit('death', how, delayMs),
        onRestarted: () => events.emit('restarted'),
      },
    },
  )
  t.after(() => {
    supervised.kill()
    logs.close()
  })
  return { supervised, events, pids, folder }
}

async function startLeftovers(t: TestContext, manners: Record<string, string>, startedAt?: string) {
  const path = join(makeFolder(t), 'pids.json')
  const ended: string[] = []
  const children = await Promise.all(
    Object.entries(manners).map(async ([name, manner]) => {
      const child = spawn(process.execPath, [join(testing, 'stand-in.ts'), manner], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      })
      child.once('exit', () => ended.push(name))
      t.after(() => child.kill('SIGKILL'))
      await once(child, 'message')
      return Object.assign(child, { named: name })
    }),
  )
  const file = openPidFile(path)
  for (const { named, pid } of children) file.set(named, pid)
  if (startedAt !== undefined) {
    replaceFile(path, readFileSync(path, 'utf8').replace(/"startedAt": ".*?"/, `"startedAt": "${startedAt}"`))
  }
  return { path, children, ended }
}

function makeFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sealcast-supervise-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function isRunning(pid: number | undefined): boolean {
  return pid !== undefined && identifyProcess(pid) !== undefined
}
