import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type LookupFunction,
  type Server,
  type Socket,
} from 'node:net'
import { suite, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { readSettings } from '#shared/config'
import { readEndpointNetworks } from '#shared/endpoint-guard'
import { createCertificateAuthority, issueServerCertificate } from '#shared/pki'
import { parseHttpTarget } from './http-target.ts'
import { createHttpSender } from './https.ts'
import { createSubscriberTrust } from './subscriber-trust.ts'

const authority = createCertificateAuthority({ commonName: 'Test CA', now: Date.now() })
const certified = issueServerCertificate({ authority, hosts: ['127.0.0.1'], now: Date.now() })

const OPTIONS = {
  networks: readSettings({ SEALCAST_ENDPOINT_NETWORKS: 'loopback' }, readEndpointNetworks),
  onRefused: () => assert.fail('an address was refused'),
  trust: createSubscriberTrust(authority.certificatePem),
  timeoutMs: 10_000,
}

suite('connections to an endpoint', () => {
  test('a request takes the one that comes free first, not the one opened for it', async () => {
    await using stage = await setup()
    const first = stage.post('/first')
    const answerFirst = await stage.request('/first')
    stage.stall()
    const second = stage.post('/second')
    await stage.connected(2)
    answerFirst()
    ;(await stage.request('/second'))()
    assert.deepEqual(await Promise.all([first, second]), [200, 200])
  })

  test('one that nobody needed in the end serves the next', async () => {
    await using stage = await setup()
    const first = stage.post('/first')
    const answerFirst = await stage.request('/first')
    stage.stall()
    const second = stage.post('/second')
    await stage.connected(2)
    answerFirst()
    const answerSecond = await stage.request('/second')
    await stage.goOn()
    const third = stage.post('/third')
    ;(await stage.request('/third'))()
    answerSecond()
    assert.deepEqual(await Promise.all([first, second, third]), [200, 200, 200])
    assert.equal(stage.connections(), 2)
  })

  test('one that its peer closes unused is not counted on', async () => {
    await using stage = await setup()
    const first = stage.post('/first')
    const answerFirst = await stage.request('/first')
    stage.stall()
    const second = stage.post('/second')
    await stage.connected(2)
    answerFirst()
    const answerSecond = await stage.request('/second')
    await stage.goOn()
    await stage.closeNewest()
    const third = stage.post('/third')
    ;(await stage.request('/third'))()
    answerSecond()
    assert.deepEqual(await Promise.all([first, second, third]), [200, 200, 200])
    assert.equal(stage.connections(), 3)
  })

  test('one whose handshake hangs holds up nobody who asks later', async () => {
    await using stage = await setup()
    const first = stage.post('/first')
    const answerFirst = await stage.request('/first')
    stage.stall()
    const second = stage.post('/second')
    await stage.connected(2)
    answerFirst()
    const answerSecond = await stage.request('/second')
    stage.stopStalling()
    const third = stage.post('/third')
    ;(await stage.request('/third'))()
    answerSecond()
    assert.deepEqual(await Promise.all([first, second, third]), [200, 200, 200])
    assert.equal(stage.connections(), 3)
  })

  test('one that was lost is not waited for where another is free', async () => {
    await using stage = await setup()
    const posts = [stage.post('/a'), stage.post('/b')]
    for (const answer of await Promise.all(['/a', '/b'].map(stage.request))) answer()
    await Promise.all(posts)
    await stage.closeOldest()
    stage.stall()
    const third = stage.post('/third')
    ;(await stage.request('/third'))()
    assert.equal(await third, 200)
  })

  test('what a peer says unasked on one is taken for no answer', async () => {
    await using stage = await setupPlain()
    const first = stage.post('/first')
    const answerFirst = await stage.request('/first')
    const openSecond = stage.holdLookups()
    const second = stage.post('/second')
    answerFirst()
    const answerSecond = await stage.request('/second')
    openSecond()
    const unused = await stage.connection(2)
    for (let turn = 0; turn < 5; turn++) await setImmediate()
    unused.end('HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
    // In the same turn: the sender cannot have read it yet.
    const third = stage.post('/third')
    ;(await stage.request('/third'))()
    answerSecond()
    assert.deepEqual(await Promise.all([first, second, third]), [200, 200, 200])
    assert.equal(stage.connections(), 3)
  })

  test('nobody waits for one when the sender is closed', async () => {
    const stage = await setup()
    await stage.closeSender()
    assert.equal(await stage.post('/late'), 'UND_ERR_DESTROYED')
    await stage[Symbol.asyncDispose]()
  })

  test('those who wait when all break get new ones', async () => {
    await using stage = await setup()
    stage.stall()
    const posts = [stage.post('/a'), stage.post('/b')]
    await stage.connected(2)
    await stage.breakAll()
    const codes = await Promise.all(posts)
    assert.ok(
      codes.every((code) => typeof code === 'string'),
      String(codes),
    )
    await stage.goOn()
    const next = stage.post('/c')
    ;(await stage.request('/c'))()
    assert.equal(await next, 200)
  })

  test('requests arrive in the order of asking, however many', async () => {
    await using stage = await setup()
    const paths = Array.from({ length: 300 }, (_, n) => `/${n}`)
    const posts = paths.map((path) => stage.post(path))
    for (let n = 0; n < paths.length; n++) (await stage.nextRequest())()
    assert.ok((await Promise.all(posts)).every((code) => code === 200))
    const distances = stage.arrived.map((path, at) => Math.abs(paths.indexOf(path) - at)).toSorted((a, b) => a - b)
    assert.equal(distances.length, paths.length)
    assert.ok((distances[150] ?? 300) <= 16, `${distances[150]} places off in the median`)
  })
})

/** An HTTPS server behind a gate that can keep new connections from shaking hands. */
async function setup() {
  await using undo = new AsyncDisposableStack()
  const arrived: string[] = []
  const unanswered = new Map<string, ServerResponse>()
  const handed: string[] = []
  let arrives = Promise.withResolvers<void>()
  const server = createHttpsServer(
    { cert: certified.certificatePem, key: certified.privateKeyPem },
    (request: IncomingMessage, response) => {
      const path = request.url ?? ''
      arrived.push(path)
      unanswered.set(path, response)
      request.resume()
      arrives.resolve()
      arrives = Promise.withResolvers()
    },
  )
  const shaken: TLSSocket[] = []
  let shakes = Promise.withResolvers<void>()
  server.on('secureConnection', (socket) => {
    shaken.push(socket)
    shakes.resolve()
    shakes = Promise.withResolvers()
  })
  const inner = await listen(server)
  undo.defer(inner.close)

  const sockets: Socket[] = []
  const stalled: Socket[] = []
  let isStalling = false
  let connects = Promise.withResolvers<void>()
  const pass = (socket: Socket) => {
    const onward = connect(inner.port, '127.0.0.1')
    socket.pipe(onward).pipe(socket)
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  }
  const gate = await listen(
    createTcpServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => undefined)
      if (isStalling) stalled.push(socket)
      else pass(socket)
      connects.resolve()
      connects = Promise.withResolvers()
    }),
  )
  undo.defer(() => {
    for (const socket of sockets) socket.destroy()
    return gate.close()
  })
  const sender = undo.use(createHttpSender(OPTIONS))
  const held = undo.move()

  const request = async (path: string): Promise<() => void> => {
    for (;;) {
      const response = unanswered.get(path)
      if (response !== undefined) {
        unanswered.delete(path)
        handed.push(path)
        return () => void response.end()
      }
      await arrives.promise
    }
  }
  return {
    arrived,
    connections: () => sockets.length,
    /** @returns the status, or the code of the failure */
    async post(path: string): Promise<number | string> {
      const target = parseHttpTarget(`https://127.0.0.1:${gate.port}${path}`)
      assert.ok(target)
      const result = await sender.post({ target, headers: {}, body: 'x' })
      return result.kind === 'answered' ? result.statusCode : result.code
    },
    /** When it is here: what answers it. */
    request,
    async nextRequest(): Promise<() => void> {
      while (arrived.length === handed.length) await arrives.promise
      return await request(arrived[handed.length] ?? '')
    },
    stall: () => {
      isStalling = true
    },
    stopStalling: () => {
      isStalling = false
    },
    closeSender: () => sender[Symbol.asyncDispose](),
    async closeOldest() {
      const [inside] = shaken
      assert.ok(inside)
      const closed = new Promise<void>((resolve) => void inside.once('close', () => resolve()))
      sockets[0]?.destroy()
      await closed
    },
    /** Resolves when those that were kept waiting have shaken hands. */
    async goOn() {
      isStalling = false
      const expected = shaken.length + stalled.length
      for (const socket of stalled.splice(0)) pass(socket)
      while (shaken.length < expected) await shakes.promise
    },
    async connected(count: number) {
      while (sockets.length < count) await connects.promise
    },
    async closeNewest() {
      const inside = shaken.at(-1)
      assert.ok(inside)
      // Told after the sender is: its end closes first.
      const closed = new Promise<void>((resolve) => void inside.once('close', () => resolve()))
      sockets.at(-1)?.destroy()
      await closed
    },
    async breakAll() {
      const closed = sockets.map((socket) => once(socket, 'close'))
      for (const socket of sockets.splice(0)) socket.destroy()
      stalled.length = 0
      await Promise.all(closed)
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** An HTTP server that answers by hand, at a name whose look-ups can be held. */
async function setupPlain() {
  await using undo = new AsyncDisposableStack()
  const unanswered = new Map<string, Socket>()
  const sockets: Socket[] = []
  let news = Promise.withResolvers<void>()
  const tell = () => {
    news.resolve()
    news = Promise.withResolvers()
  }
  const server = await listen(
    createTcpServer((socket) => {
      sockets.push(socket)
      let read = ''
      socket.on('error', () => undefined)
      socket.on('data', (chunk) => {
        read += chunk
        if (!read.endsWith('\r\n\r\nx')) return
        unanswered.set(read.split(' ')[1] ?? '', socket)
        read = ''
        tell()
      })
      tell()
    }),
  )
  undo.defer(() => {
    for (const socket of sockets) socket.destroy()
    return server.close()
  })
  let held = Promise.resolve()
  const lookup: LookupFunction = (_host, _options, callback) =>
    void held.then(() => callback(null, [{ address: '127.0.0.1', family: 4 }]))
  const sender = undo.use(createHttpSender({ ...OPTIONS, lookup }))
  const cleanup = undo.move()
  return {
    connections: () => sockets.length,
    async post(path: string): Promise<number | string> {
      const target = parseHttpTarget(`http://hooks.test:${server.port}${path}`)
      assert.ok(target)
      const result = await sender.post({ target, headers: {}, body: 'x' })
      return result.kind === 'answered' ? result.statusCode : result.code
    },
    async request(path: string): Promise<() => void> {
      for (;;) {
        const socket = unanswered.get(path)
        if (socket !== undefined) return () => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')
        await news.promise
      }
    },
    holdLookups(): () => void {
      const { promise, resolve } = Promise.withResolvers<void>()
      held = promise
      return resolve
    },
    async connection(count: number): Promise<Socket> {
      for (;;) {
        const socket = sockets[count - 1]
        if (socket !== undefined) return socket
        await news.promise
      }
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  }
}

async function listen(server: Server) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      if ('closeAllConnections' in server && typeof server.closeAllConnections === 'function') {
        server.closeAllConnections()
      }
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
