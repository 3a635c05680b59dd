import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { suite, test } from 'node:test'
import { setImmediate as setImmediateCallback } from 'node:timers'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import type { buildConnector } from 'undici'
import { createConnectionLine, NoConnectionError, type Waiter } from './connection-line.ts'

const ORIGIN = 'https://hooks.test:8443'
const MAX = 4

suite('createConnectionLine()', () => {
  test('begins or fails everyone, in order of asking, whatever becomes of connections', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.constant('ask' as const) },
      { weight: 1, arbitrary: fc.constantFrom('open', 'refuse', 'close', 'give up', 'stall') },
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
        // Whoever was begun on a connection that was just lost is sent a little later.
        const inOrder = stage.begun.toSorted((a, b) => a - b)
        const mostOff = Math.max(0, ...inOrder.map((id, at) => at - stage.begun.indexOf(id)))
        const isLossless = steps.every(([one]) => one !== 'close')
        assert.ok(mostOff <= (isLossless ? 0 : MAX), `sent ${mostOff} places too early`)
        assert.ok(stage.mostOpen() <= MAX, `${stage.mostOpen()} open`)
      }),
      { numRuns: 1500 },
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

  test('opens one for each who waits, also while one hangs that was for somebody served meanwhile', async () => {
    using stage = setup()
    stage.ask()
    stage.open()
    await turns(1)
    stage.ask()
    stage.end(0)
    await turns(3)
    assert.deepEqual(stage.begun, [0, 1])
    stage.ask()
    assert.equal(stage.opening(), 2)
    stage.stall()
    stage.open()
    await turns(1)
    assert.deepEqual(stage.begun, [0, 1, 2])
  })

  test('opens one for who asks a second time, as after a challenge', async () => {
    using stage = setup()
    // The other one keeps the line from being forgotten.
    for (let n = 0; n < 2; n++) stage.ask()
    for (let n = 0; n < 2; n++) stage.open()
    await turns(1)
    stage.close(0)
    await turns(2)
    stage.askAgain(0)
    assert.equal(stage.opening(), 1)
    stage.open()
    await turns(1)
    assert.deepEqual(stage.begun, [0, 1, 0])
  })

  test('waits for no connection of its own where the pool takes a lost one for free', async () => {
    using stage = setup()
    for (let n = 0; n < 2; n++) stage.ask()
    for (let n = 0; n < 2; n++) stage.open()
    await turns(1)
    for (let n = 0; n < 2; n++) stage.end(0)
    await turns(2)
    // The first client has no connection now, the second has.
    stage.close(0)
    await turns(2)
    stage.ask()
    await turns(4)
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

interface Client {
  socket: Socket | undefined
  isBusy: boolean
}

/**
 * A line, and a pool that behaves as the HTTP client's does: it takes the first client that is not at work, also one whose
 * connection was lost, and sees only in the next turn of the event loop that one has ended.
 */
function setup() {
  const opening: buildConnector.Callback[] = []
  let clients: Client[] = []
  /** By request. */
  const busy = new Map<number, Client>()
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
        for (const client of clients) if (client.socket === socket) client.socket = undefined
        for (const [id, client] of busy) if (client.socket === undefined) endOne(id)
      })
    },
  })
  const options = { host: 'hooks.test:8443', hostname: 'hooks.test', port: '8443', protocol: 'https:' }

  const begin = (id: number, waiter: Waiter): void => {
    let client = clients.find(({ isBusy }) => !isBusy)
    if (client === undefined) {
      client = { socket: undefined, isBusy: true }
      clients.push(client)
    }
    const chosen = client
    chosen.isBusy = true
    if (chosen.socket !== undefined && !chosen.socket.destroyed) {
      send(id, chosen)
      return
    }
    line.connect(options, (error, socket) => {
      if (error === null) {
        chosen.socket = socket
        send(id, chosen)
        return
      }
      assert.ok(error instanceof NoConnectionError)
      clients = clients.filter((one) => one !== chosen)
      unserved.add(id)
      line.rejoin(ORIGIN, waiter)
    })
  }
  const send = (id: number, client: Client): void => {
    begun.push(id)
    busy.set(id, client)
  }
  const ask = (): void => {
    const id = asked++
    unserved.add(id)
    const waiter: Waiter = {
      begin() {
        assert.ok(unserved.delete(id), 'begun twice')
        begin(id, waiter)
      },
      fail() {
        assert.ok(unserved.delete(id), 'failed after it was begun')
      },
    }
    waiters.set(id, waiter)
    line.enter(ORIGIN, waiter)
  }
  const endOne = (id: number): void => {
    const client = busy.get(id)
    if (client === undefined) return
    busy.delete(id)
    line.leave(ORIGIN)
    setImmediateCallback(() => {
      client.isBusy = false
    })
  }
  const open = (): void => opening.shift()?.(null, new Socket())
  const refuse = (): void => opening.shift()?.(new Error('refused'), null)

  return {
    begun,
    unserved,
    mostOpen: () => most,
    opening: () => opening.length,
    ask,
    askAgain(id: number): void {
      const waiter = waiters.get(id)
      assert.ok(waiter)
      unserved.add(id)
      line.enter(ORIGIN, waiter)
    },
    open,
    refuse,
    /** Has the next connection wait behind all others that are being opened. */
    stall: (): void => void opening.push(...opening.splice(0, 1)),
    end: (which: number): void => endOne([...busy.keys()][which % Math.max(1, busy.size)] ?? -1),
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
      for (let quiet = 0; quiet < 6; ) {
        const idle = opening.length === 0 && busy.size === 0
        quiet = idle ? quiet + 1 : 0
        while (opening.length > 0) open()
        for (const id of [...busy.keys()]) endOne(id)
        await setImmediate()
      }
    },
    [Symbol.dispose]() {
      line[Symbol.dispose]()
      for (const socket of alive) socket.destroy()
    },
  }
}
