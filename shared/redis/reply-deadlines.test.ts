import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createReplyDeadlines } from './reply-deadlines.ts'

suite('createReplyDeadlines()', () => {
  test('fails each command that is not answered in time, at its own time', (t) => {
    const { send, advance, failed } = setup(t)
    send('a')
    advance(40)
    send('b')
    advance(59)
    assert.deepEqual(failed, [])
    advance(1)
    assert.deepEqual(failed, ['a: Command timed out'])
    advance(39)
    assert.equal(failed.length, 1)
    advance(1)
    assert.deepEqual(failed, ['a: Command timed out', 'b: Command timed out'])
  })

  test('lets those alone that were answered, and fails those behind them', (t) => {
    const { send, answer, advance, failed } = setup(t)
    for (const name of ['a', 'b', 'c']) send(name)
    answer('a')
    answer('b')
    advance(100)
    assert.deepEqual(failed, ['c: Command timed out'])
    send('d')
    answer('d')
    advance(1_000)
    assert.equal(failed.length, 1)
  })

  test('goes on after a time of rest', (t) => {
    const { send, answer, advance, failed } = setup(t)
    send('a')
    answer('a')
    advance(1_000)
    send('b')
    advance(99)
    assert.deepEqual(failed, [])
    advance(1)
    assert.deepEqual(failed, ['b: Command timed out'])
  })

  test('fails all that is late at once after this process stood still', (t) => {
    const { send, jump, advance, failed } = setup(t)
    send('a')
    advance(10)
    send('b')
    jump(5_000)
    advance(90)
    assert.deepEqual(failed, ['a: Command timed out', 'b: Command timed out'])
  })

  test('lets go of commands that were answered, with their replies, while others wait', async () => {
    const deadlines = createReplyDeadlines()
    const answered = addAnswered(deadlines, 100)
    setFlagsFromString('--expose-gc')
    const gc: unknown = runInNewContext('gc')
    assert.ok(typeof gc === 'function')
    // What a WeakRef refers to is kept until the end of the turn that asked for it.
    await new Promise((resolve) => setImmediate(resolve))
    gc()
    assert.equal(answered.filter((command) => command.deref() !== undefined).length, 0)
  })

  test('needs one timer for all', (t) => {
    const { send, advance, failed } = setup(t)
    const { mock } = t.mock.method(globalThis, 'setTimeout')
    for (const name of ['a', 'b', 'c']) send(name)
    advance(100)
    assert.equal(failed.length, 3)
    assert.equal(mock.callCount(), 1)
  })

  test('forgets none of those that wait when it forgets those that were answered', (t) => {
    const { send, answer, advance, failed } = setup(t)
    for (let n = 0; n < 2_000; n++) send(String(n))
    for (let n = 0; n < 1_999; n++) answer(String(n))
    send('next')
    answer('next')
    advance(100)
    assert.deepEqual(failed, ['1999: Command timed out'])
  })

  test('keeps few of those that were answered', (t) => {
    const { send, answer, advance, deadlines } = setup(t)
    for (let n = 0; n < 5_000; n++) {
      send(String(n))
      // Always one is under way.
      if (n > 0) answer(String(n - 1))
      assert.ok(deadlines.size <= 1_025)
    }
    answer('4999')
    advance(100)
    assert.equal(deadlines.size, 0)
  })
})

function setup({ mock }: TestContext) {
  mock.timers.enable({ apis: ['setTimeout'] })
  let time = 0
  const failed: string[] = []
  const deadlines = createReplyDeadlines(() => time)
  const sent = new Map<string, { isSettled: boolean }>()
  return {
    deadlines,
    failed,
    send(name: string) {
      const command = {
        isSettled: false,
        reject(error: Error) {
          command.isSettled = true
          failed.push(`${name}: ${error.message}`)
        },
      }
      sent.set(name, command)
      deadlines.add(command, 100)
    },
    answer(name: string) {
      const command = sent.get(name)
      assert.ok(command)
      command.isSettled = true
    },
    advance(ms: number) {
      time += ms
      mock.timers.tick(ms)
    },
    /** Time goes on, and nothing else. */
    jump(ms: number) {
      time += ms
    },
  }
}

/** And two that are not, after them. */
function addAnswered(deadlines: ReturnType<typeof createReplyDeadlines>, count: number): WeakRef<object>[] {
  const waits = { isSettled: false, reject: () => {} }
  const commands = Array.from({ length: count }, () => ({ ...waits, reply: new Array(100).fill(0) }))
  for (const command of [...commands, waits]) deadlines.add(command, 60_000)
  for (const command of commands) command.isSettled = true
  deadlines.add(waits, 60_000)
  return commands.map((command) => new WeakRef(command))
}
