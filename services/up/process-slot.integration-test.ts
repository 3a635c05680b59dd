import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { openLogFiles } from './log-files.ts'
import { identifyProcess } from './process-identity.ts'
import { createProcessSlot } from './process-slot.ts'
import { supervise } from './supervise.ts'

const standIn = join(import.meta.dirname, 'testing', 'stand-in.ts')

suite('createProcessSlot()', () => {
  test('replaces a process with another that is ready before the first one is stopped', async (t) => {
    const { slot, pids, started } = setup(t)
    await slot.start()
    const first = pids.get('stand-in')
    await slot.replace()
    const second = pids.get('stand-in')
    assert.deepEqual(started, [first, second])
    assert.notEqual(second, first)
    assert.deepEqual([isRunning(first), isRunning(second)], [false, true])
    assert.deepEqual([...pids.keys()], ['stand-in'])
    await slot.stop()
    assert.equal(isRunning(second), false)
    assert.equal(pids.size, 0)
  })

  test('stops the first one before where ports are not shared', async (t) => {
    const { slot, pids } = setup(t, { sharesPorts: false })
    await slot.start()
    const first = pids.get('stand-in')
    await slot.replace()
    assert.deepEqual([isRunning(first), isRunning(pids.get('stand-in'))], [false, true])
    await slot.stop()
  })

  test('keeps the process it has when another does not start', async (t) => {
    const { slot, pids, become } = setup(t)
    await slot.start()
    const first = pids.get('stand-in')
    become('doomed')
    await assert.rejects(slot.replace(), { code: 'UP_START_FAILED' })
    assert.ok(isRunning(first))
    assert.deepEqual([...pids], [['stand-in', first]])
    become('obedient')
    await slot.replace()
    assert.equal(isRunning(first), false)
    await slot.stop()
  })

  test('stops both when it is stopped while it replaces', async (t) => {
    const { slot, pids, started, become } = setup(t)
    await slot.start()
    become('silent')
    const replacing = slot.replace()
    await slot.stop()
    await replacing
    assert.equal(started.length, 2)
    assert.deepEqual(started.map(isRunning), [false, false])
    assert.equal(pids.size, 0)
  })
})

function setup(t: TestContext, { sharesPorts = true }: { sharesPorts?: boolean } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'sealcast-slot-'))
  const logs = openLogFiles({ folder, onLine: () => undefined })
  const pids = new Map<string, number>()
  const started: number[] = []
  let manner = 'obedient'
  const slot = createProcessSlot({
    plan: {
      name: 'stand-in',
      command: process.execPath,
      args: [],
      env: process.env,
      cwd: folder,
      ready: 'message',
      stopGraceMs: 5_000,
    },
    sharesPorts,
    supervise: (plan, onPid) =>
      supervise(
        { ...plan, args: [standIn, manner] },
        {
          logs,
          events: { onPid: (_name, pid) => onPid(pid), onDeath: () => undefined, onRestarted: () => undefined },
        },
      ),
    recordPid(name, pid) {
      if (pid === undefined) {
        pids.delete(name)
        return
      }
      pids.set(name, pid)
      if (!started.includes(pid)) started.push(pid)
    },
  })
  t.after(() => {
    slot.kill()
    logs.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    slot,
    pids,
    started,
    become(next: string) {
      manner = next
    },
  }
}

function isRunning(pid: number | undefined): boolean {
  return pid !== undefined && identifyProcess(pid) !== undefined
}
