import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { suite, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import type { buildConnector } from 'undici'
import { createConnectionLine, type Waiter } from './connection-line.ts'

const ORIGIN = 'https://hooks.test:8443'
const MAX = 4

suite('createConnectionLine()', () => {
  test('begins or fails everyone, in order of asking, whatever becomes of connections', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.constant('ask' as const) },
      { weight: 1, arbitrary: fc.constantFrom('open', 'refuse', 'close', 'give up') },
      { weight: 2, arbitrary: fc.constantFrom('open', 'end', 'turn') },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(step, fc.nat(7)), { minLength: 20, maxLength: 80 }), async (steps) => {
        using stage = setup()
        for (const [one, which] of steps) {
          if (one === 'turn') await setImmediate()
          else stage[one](which)
        }
        await stage.settle()
        assert.deepEqual([...stage.unserved], [], 'somebody is forgotten')
        assert.deepEqual(
          stage.begun,
          stage.begun.toSorted((a, b) => a - b),
        )
        assert.ok(stage.mostOpen() <= MAX, `${stage.mostOpen()} open`)
      }),
      { numRuns: 1000 },
    )
  })

  test('opens one for who waits for room when another is lost', async () => {
    using stage = setup()
    for (let n = 0; n < MAX; n++) stage.ask()
    for (let n = 0; n < MAX; n++) stage.open()
    await setImmediate()
    stage.ask()
    assert.equal(stage.opening(), 0)
    stage.close(0)
    await setImmediate()
    assert.equal(stage.opening(), 1)
    stage.open()
    await turns(3)
    assert.deepEqual(stage.begun, [0, 1, 2, 3, 4])
  })

  test('opens one for who counted on one that was being opened for somebody served meanwhile', async () => {
    using stage = setup()
    stage.ask()
    stage.open()
    await setImmediate()
    stage.ask()
    stage.end(0)
    await turns(3)
    assert.deepEqual(stage.begun, [0, 1])
    stage.ask()
    assert.equal(stage.opening(), 1)
    stage.refuse()
    assert.equal(stage.opening(), 1)
    stage.open()
    assert.deepEqual(stage.begun, [0, 1, 2])
  })

  test('fails those who wait when it is closed', async () => {
    const stage = setup()
    stage.ask()
    stage[Symbol.dispose]()
    assert.deepEqual([...stage.unserved], [])
    assert.deepEqual(stage.begun, [])
  })
})

/** Of the event loop: an end is seen in one, and who waits is served in the next. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await setImmediate()
}

/** A line, and a pool that behaves as the HTTP client's does: a connection of its own for each request, kept. */
function setup() {
  const opening: buildConnector.Callback[] = []
  const pool = { free: [] as Socket[], busy: new Map<number, Socket>() }
  const unserved = new Set<number>()
  const waiters = new Map<number, Waiter>()
  const begun: number[] = []
  const alive = new Set<Socket>()
  let asked = 0
  let most = 0
  const line = createConnectionLine({
    connect: (_options, callback) => {
      opening.push(callback)
      most = Math.max(most, opening.length + [...alive].filter(({ destroyed }) => !destroyed).length)
    },
    maxPerOrigin: MAX,
    onOpen(socket) {
      alive.add(socket)
      socket.once('close', () => {
        alive.delete(socket)
        pool.free = pool.free.filter((one) => one !== socket)
        for (const [id, one] of pool.busy) if (one === socket) endOne(id)
      })
    },
  })
  const options = { host: 'hooks.test:8443', hostname: 'hooks.test', port: '8443', protocol: 'https:' }

  const ask = (): void => {
    const id = asked++
    unserved.add(id)
    const waiter: Waiter = {
      begin() {
        assert.ok(unserved.delete(id), 'begun twice')
        begun.push(id)
        const free = pool.free.pop()
        if (free !== undefined) {
          pool.busy.set(id, free)
          return
        }
        line.connect(options, (error, socket) => {
          if (error !== null || socket.destroyed) line.leave(ORIGIN)
          else pool.busy.set(id, socket)
        })
      },
      fail() {
        assert.ok(unserved.delete(id), 'failed after it was begun')
      },
    }
    waiters.set(id, waiter)
    line.enter(ORIGIN, waiter)
  }
  const endOne = (id: number): void => {
    const socket = pool.busy.get(id)
    if (socket === undefined) return
    pool.busy.delete(id)
    line.leave(ORIGIN)
    if (!socket.destroyed) pool.free.push(socket)
  }
  const open = (): void => opening.shift()?.(null, new Socket())
  const refuse = (): void => opening.shift()?.(new Error('refused'), null)

  return {
    begun,
    unserved,
    mostOpen: () => most,
    opening: () => opening.length,
    ask,
    open,
    refuse,
    end: (which: number): void => endOne([...pool.busy.keys()][which % Math.max(1, pool.busy.size)] ?? -1),
    close: (which: number): void => void [...alive][which % Math.max(1, alive.size)]?.destroy(),
    'give up'(): void {
      const [id = -1] = unserved
      const waiter = waiters.get(id)
      if (waiter === undefined) return
      line.giveUp(ORIGIN, waiter)
      unserved.delete(id)
    },
    /** Opens all that is being opened and ends all that is begun, until nothing is left to do. */
    async settle(): Promise<void> {
      for (let quiet = 0; quiet < 4; ) {
        const idle = opening.length === 0 && pool.busy.size === 0
        quiet = idle ? quiet + 1 : 0
        while (opening.length > 0) open()
        for (const id of [...pool.busy.keys()]) endOne(id)
        await setImmediate()
      }
    },
    [Symbol.dispose]() {
      line[Symbol.dispose]()
      for (const socket of alive) socket.destroy()
    },
  }
}
