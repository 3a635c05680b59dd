/** Connections that cost a server something and send it next to nothing. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

interface Target {
  readonly port: number
  readonly ca: string
}

export interface Crowd extends Disposable {
  /** How many the server has not closed yet. */
  open(): number
}

export interface SlowSenders extends Crowd {
  /** Resolves when the server has closed all of them. */
  readonly allClosed: Promise<void>
}

/** A few at a time, so that it is connections that are measured and not handshakes. */
const HANDSHAKES_AT_ONCE = 50
const DRIP_MS = 1000

/** Kept-alive connections that were answered once and then ask nothing, as SDKs keep them. */
export async function openIdleConnections({ count, ...target }: Target & { count: number }): Promise<Crowd> {
  const crowd = new Set<Socket>()
  let opened = 0
  const openSome = async () => {
    while (opened++ < count) {
      const socket = await openTls(target)
      keep(crowd, socket)
      socket.write('GET /?Action=Nonsense HTTP/1.1\r\nHost: localhost\r\n\r\n')
      await once(socket, 'data')
    }
  }
  await Promise.all(Array.from({ length: HANDSHAKES_AT_ONCE }, openSome))
  return { open: () => crowd.size, [Symbol.dispose]: () => destroyAll(crowd) }
}

/** By turns: a handshake that never ends, headers by the byte, a body by the byte. */
export async function openSlowSenders({ count, ...target }: Target & { count: number }): Promise<SlowSenders> {
  const crowd = new Set<Socket>()
  const beginnings = [
    async () => {
      const socket = connect(target.port, '127.0.0.1')
      await once(socket, 'connect')
      // The head of a TLS record of 512 bytes, which never come.
      return { socket, first: Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]), drop: Buffer.from([0x01]) }
    },
    async () => ({ socket: await openTls(target), first: 'POST / HTTP/1.1\r\nHost: localhost\r\nX-Long: ', drop: 'x' }),
    async () => ({
      socket: await openTls(target),
      first: 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n',
      drop: 'x',
    }),
  ]
  let opened = 0
  const drips = new Map<Socket, string | Buffer>()
  const openSome = async () => {
    while (opened++ < count) {
      const begin = beginnings[opened % beginnings.length]
      if (begin === undefined) continue
      const { socket, first, drop } = await begin()
      keep(crowd, socket)
      socket.write(first)
      drips.set(socket, drop)
    }
  }
  await Promise.all(Array.from({ length: HANDSHAKES_AT_ONCE }, openSome))
  const dripping = setInterval(() => {
    for (const socket of crowd) socket.write(drips.get(socket) ?? '')
  }, DRIP_MS)
  // Not events.once: a reset connection is closed as well.
  const closing = Array.from(crowd, (socket) => new Promise((resolve) => socket.once('close', resolve)))
  const allClosed = Promise.all(closing).then(() => clearInterval(dripping))
  return {
    open: () => crowd.size,
    allClosed,
    [Symbol.dispose]() {
      clearInterval(dripping)
      destroyAll(crowd)
    },
  }
}

async function openTls({ port, ca }: Target): Promise<Socket> {
  const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca })
  await once(socket, 'secureConnect')
  return socket
}

function keep(crowd: Set<Socket>, socket: Socket): void {
  crowd.add(socket)
  // What the server says at the end is not looked at, but must be read for the end to be seen.
  socket.resume()
  socket.on('error', () => undefined)
  socket.on('close', () => crowd.delete(socket))
}

function destroyAll(crowd: ReadonlySet<Socket>): void {
  for (const socket of crowd) socket.destroy()
}
