/** Endpoints that answer with anything but an answer: each costs the worker little, and for no longer than an attempt. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { suite, test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { gzipSync } from 'node:zlib'
import { readSettings } from '#shared/config'
import { readEndpointNetworks } from '#shared/endpoint-guard'
import { createCertificateAuthority, issueServerCertificate } from '#shared/pki'
import { parseHttpTarget } from './http-target.ts'
import { createHttpSender } from './https.ts'
import { createSubscriberTrust } from './subscriber-trust.ts'

const CHUNKED = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'
const TIMEOUT_MS = 3_000
const DONE = { kind: 'answered', statusCode: 200 }
/** What lies in buffers of both sides when a connection is cut, and is never looked at. */
const BUFFERS = 16 * 1024 * 1024

const authority = createCertificateAuthority({ commonName: 'Test CA', now: Date.now() })

suite('createHttpSender()', () => {
  /** Name, what comes first, what comes again and again, and the result. */
  const floods = [
    ['a status line', 'HTTP/1.1 200 ', 'a'.repeat(16_384), { kind: 'unanswered', code: 'RESPONSE_TOO_LONG' }],
    ['blank lines', '', '\r\n'.repeat(8_192), { kind: 'unanswered', code: 'RESPONSE_TOO_LONG' }],
    [
      'headers',
      'HTTP/1.1 200 OK\r\n',
      'a: b\r\n'.repeat(2_048),
      { kind: 'unanswered', code: 'UND_ERR_HEADERS_OVERFLOW' },
    ],
    [
      'one header',
      'HTTP/1.1 200 OK\r\na: ',
      'b'.repeat(16_384),
      { kind: 'unanswered', code: 'UND_ERR_HEADERS_OVERFLOW' },
    ],
    [
      'informational responses',
      '',
      'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n'.repeat(512),
      { kind: 'unanswered', code: 'TOO_MANY_INFORMATIONAL_RESPONSES' },
    ],
    ['100 Continue', '', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(512), { kind: 'unanswered', code: 'UND_ERR_SOCKET' }],
    ['a body', 'HTTP/1.1 200 OK\r\n\r\n', 'x'.repeat(16_384), DONE],
    ['chunks', CHUNKED, '1\r\nx\r\n'.repeat(2_048), DONE],
    ['a chunk extension', `${CHUNKED}1;`, 'x'.repeat(16_384), DONE],
    ['a chunk size', CHUNKED, '0'.repeat(16_384), DONE],
    ['trailers', `${CHUNKED}0\r\n`, 'a: b\r\n'.repeat(2_048), DONE],
    ['bytes after the answer', 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', 'x'.repeat(16_384), DONE],
    ['what is no HTTP', '', 'x'.repeat(16_384), undefined],
  ] as const
  for (const scheme of ['http', 'https'] as const) {
    for (const [what, first, again, result] of floods) {
      test(`closes the connection to an ${scheme} endpoint that sends ${what} without end`, async () => {
        await using endpoint = await setup({ scheme, respond: (socket) => feed(socket, first, again) })
        const got = await endpoint.post()
        if (result === undefined) assert.equal(got.kind, 'unanswered')
        else assert.deepEqual(got, result)
        await endpoint.closed
        assert.ok(endpoint.bytesSent() < BUFFERS, `${endpoint.bytesSent()} bytes were taken`)
      })
    }
  }

  for (const [what, first, again, result] of [
    ['its headers', 'HTTP/1.1 200 OK\r\n', 'a: b\r\n', { kind: 'unanswered', code: 'TIMEOUT' }],
    ['its body', 'HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n', 'x', DONE],
  ] as const) {
    test(`gives an endpoint that drips ${what} no longer than an attempt`, async () => {
      await using endpoint = await setup({ respond: (socket) => drip(socket, first, again) })
      const startedAt = performance.now()
      assert.deepEqual(await endpoint.post(), result)
      await endpoint.closed
      assert.ok(performance.now() - startedAt < 5 * TIMEOUT_MS)
    })
  }

  test('unpacks no compressed body, and asks for none', async () => {
    const bomb = gzipSync(Buffer.alloc(30 * 1024 * 1024))
    assert.ok(bomb.byteLength < 65_536)
    const head = `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${bomb.byteLength}\r\n\r\n`
    await using endpoint = await setup({
      respond: (socket) => socket.write(Buffer.concat([Buffer.from(head), bomb])),
    })
    // Unpacked it would be over the cap, and the connection gone.
    for (let n = 0; n < 10; n++) assert.deepEqual(await endpoint.post(), DONE)
    assertKept(endpoint)
    assert.doesNotMatch(endpoint.request(), /accept-encoding/i)
  })

  test('counts the bytes of each answer by themselves', async () => {
    const body = 'x'.repeat(60_000)
    await using endpoint = await setup({
      respond: (socket) => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`),
    })
    for (let n = 0; n < 20; n++) assert.deepEqual(await endpoint.post(), DONE)
    assertKept(endpoint)
  })
})

/** The status is the answer: the next request may need a second connection while a body is still being read. */
function assertKept(endpoint: { connections(): number }): void {
  assert.ok(endpoint.connections() <= 2, `${endpoint.connections()} connections`)
}

/** Writes as fast as it is taken, until the connection is closed. */
function feed(socket: Socket, first: string, again: string): void {
  socket.write(first)
  const more = () => {
    for (let n = 0; n < 16; n++) if (socket.destroyed || !socket.write(again)) break
    if (socket.destroyed) return
    if (socket.writableNeedDrain) socket.once('drain', more)
    else setImmediate(more)
  }
  more()
}

function drip(socket: Socket, first: string, again: string): void {
  socket.write(first)
  const timer = setInterval(() => socket.write(again), 20)
  socket.once('close', () => clearInterval(timer))
}

/** @param respond called with the socket when a request has come */
async function setup({ scheme = 'http', respond }: { scheme?: 'http' | 'https'; respond: (socket: Socket) => void }) {
  const sockets: Socket[] = []
  const closed = Promise.withResolvers<void>()
  let request = ''
  const onSocket = (socket: Socket) => {
    sockets.push(socket)
    socket.on('data', (chunk: Buffer) => {
      request = chunk.toString('latin1')
      respond(socket)
    })
    // The other end cutting it off is what these tests are about.
    socket.on('error', () => undefined)
    socket.on('close', () => closed.resolve())
  }
  const certified = issueServerCertificate({ authority, hosts: ['127.0.0.1'], now: Date.now() })
  const server =
    scheme === 'http'
      ? createTcpServer(onSocket)
      : createTlsServer({ cert: certified.certificatePem, key: certified.privateKeyPem }, onSocket)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sender = createHttpSender({
    trust: createSubscriberTrust(authority.certificatePem),
    timeoutMs: TIMEOUT_MS,
    networks: readSettings({ SEALCAST_ENDPOINT_NETWORKS: 'loopback' }, readEndpointNetworks),
    onRefused: () => assert.fail('an address was refused'),
  })
  const target = parseHttpTarget(`${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  assert.ok(target)
  return {
    closed: closed.promise,
    connections: () => sockets.length,
    request: () => request,
    bytesSent: () => sockets.reduce((sum, socket) => sum + socket.bytesWritten, 0),
    post: () => sender.post({ target, headers: {}, body: 'x' }),
    async [Symbol.asyncDispose]() {
      await sender[Symbol.asyncDispose]()
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
