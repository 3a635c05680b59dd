/**
 * Gives each request the connection that is free first, a new one or an old one, in order of asking.
 *
 * The HTTP client's pool binds a request to a connection that is still to be opened. While that shakes hands, whoever asks
 * later finds one that came free meanwhile: of 300 messages to a new endpoint half arrived more than a hundred places from
 * their own on a busy machine. So a request waits here, where both are looked for, and is handed to the pool once there is
 * a connection for it.
 *
 * asked ──one is free──▶ begun ──ended──▶ (the connection is free)
 *   └──none is──▶ waiting, one more being opened ──any opened or came free──▶ begun ──the pool had none──▶ waiting, first
 *                    └──the one opened for it failed──▶ failed
 *
 * The pool opens none itself: it takes a client whose connection was lost for a free one, although another has a
 * connection, and a request that were bound to a new one there would be the one that waits.
 */

import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'
import { WaitingLine } from './waiting-line.ts'

export interface Waiter {
  /** There is a connection: to be sent now. leave() must follow when all of the answer is here. */
  begin(): void
  /** None could be opened. */
  fail(error: Error): void
}

export interface ConnectionLine extends Disposable {
  /** @param origin scheme, host and port, as URL.origin has them */
  enter(origin: string, waiter: Waiter): void
  /** Without effect on one that was begun. */
  giveUp(origin: string, waiter: Waiter): void
  /** One that was begun has ended. */
  leave(origin: string): void
  /** One that was begun had a {@link NoConnectionError}, so nothing was sent: it waits again, before all others. */
  rejoin(origin: string, waiter: Waiter): void
  /** For the pool that sends. */
  readonly connect: buildConnector.connector
}

interface Line {
  readonly origin: string
  readonly waiting: WaitingLine<Waiter>
  /** Those for whom a connection is being opened, also when they got another one meanwhile. */
  readonly owners: Set<Waiter>
  opening: number
  open: number
  /** Open, and not with the pool yet; each with what makes it ready for that. */
  readonly idle: Map<Socket, () => void>
  inUse: number
  leaving: number
}

/** As long as the pool keeps those that it has. */
const IDLE_MS = 4_000

/** What the pool is told when it took a connection for free that was lost: it forgets the client that had it. */
export class NoConnectionError extends Error {}

class ConnectionLineClosedError extends Error {
  readonly code = 'UND_ERR_DESTROYED'
}

/** @param onOpen told of each connection before anything is read of it */
export function createConnectionLine({
  connect,
  maxPerOrigin,
  onOpen,
}: {
  connect: buildConnector.connector
  maxPerOrigin: number
  onOpen: (socket: Socket) => void
}): ConnectionLine {
  const lines = new Map<string, Line>()
  let isClosed = false

  const lineOf = (origin: string): Line => {
    let line = lines.get(origin)
    if (line === undefined) {
      line = {
        origin,
        waiting: new WaitingLine(),
        owners: new Set(),
        opening: 0,
        open: 0,
        idle: new Map(),
        inUse: 0,
        leaving: 0,
      }
      lines.set(origin, line)
    }
    return line
  }

  const forgetUnused = (line: Line): void => {
    if (line.waiting.size + line.opening + line.open + line.inUse === 0) lines.delete(line.origin)
  }

  const serve = (line: Line): void => {
    for (let waiter = line.waiting.first; waiter !== undefined; waiter = line.waiting.first) {
      if (line.inUse >= line.open) return
      line.waiting.delete(waiter)
      line.inUse++
      waiter.begin()
    }
  }

  /** One for each who waits, whatever else is being opened: that may take longer than one more. */
  const openFor = (line: Line, waiter: Waiter): void => {
    // Those that come free in this turn of the event loop; one that is lost instead is told of by its end.
    const free = line.open - line.inUse + line.leaving
    if (isClosed || line.waiting.size <= free || line.owners.has(waiter)) return
    if (line.open + line.opening >= maxPerOrigin) return
    line.owners.add(waiter)
    line.opening++
    const onResult: buildConnector.Callback = (error, socket) => {
      line.opening--
      line.owners.delete(waiter)
      if (error === null) keepIdle(line, socket)
      else if (line.waiting.delete(waiter)) waiter.fail(error)
      openMore(line)
    }
    try {
      connect(optionsOf(line.origin), onResult)
    } catch (error) {
      // Later, as everything else that fails: whoever asked is not to hear of it within the call.
      process.nextTick(onResult, error instanceof Error ? error : new Error(String(error)), null)
    }
  }

  /** After there is room for one more, or a free one. */
  const openMore = (line: Line): void => {
    serve(line)
    if (line.open + line.opening < maxPerOrigin) {
      for (const waiter of line.waiting.toArray()) {
        if (line.open + line.opening >= maxPerOrigin) break
        openFor(line, waiter)
      }
    }
    forgetUnused(line)
  }

  /** One that says anything without having been asked, or ends, is of no use. */
  const keepIdle = (line: Line, socket: Socket): void => {
    onOpen(socket)
    line.open++
    socket.once('close', () => {
      line.open--
      line.idle.delete(socket)
      openMore(line)
    })
    if (isClosed) socket.destroy()
    const drop = () => void socket.destroy()
    const timer = setTimeout(drop, IDLE_MS).unref()
    socket.on('readable', drop)
    // Not taken off: until the pool has one of its own there must be one.
    socket.on('error', drop)
    line.idle.set(socket, () => {
      clearTimeout(timer)
      socket.off('readable', drop)
    })
  }

  const takeIdle = (line: Line): Socket | undefined => {
    for (const [socket, take] of line.idle) {
      line.idle.delete(socket)
      if (socket.destroyed) continue
      take()
      return socket
    }
    return undefined
  }

  const leave = (line: Line): void => {
    if (line.leaving++ > 0) return
    setImmediate(() => {
      line.inUse -= line.leaving
      line.leaving = 0
      // The pool sees at the end of this turn of the event loop that its connection is free, and would take another before.
      if (line.waiting.size > 0) setImmediate(serve, line)
      forgetUnused(line)
    })
  }

  const refuse = (waiter: Waiter): void =>
    process.nextTick(() => waiter.fail(new ConnectionLineClosedError('The sender is closed')))

  return {
    enter(origin, waiter) {
      if (isClosed) {
        refuse(waiter)
        return
      }
      const line = lineOf(origin)
      if (line.waiting.size === 0 && line.inUse < line.open) {
        line.inUse++
        waiter.begin()
        return
      }
      line.waiting.add(waiter)
      openFor(line, waiter)
    },
    giveUp(origin, waiter) {
      const line = lines.get(origin)
      if (line?.waiting.delete(waiter)) forgetUnused(line)
    },
    leave: (origin) => leave(lineOf(origin)),
    rejoin(origin, waiter) {
      const line = lineOf(origin)
      leave(line)
      if (isClosed) {
        refuse(waiter)
        return
      }
      line.waiting.addFirst(waiter)
      openFor(line, waiter)
    },
    connect({ protocol, host }, callback) {
      // In a turn of the event loop of its own: what the peer said or did meanwhile is seen before anything is sent.
      setImmediate(() => {
        const line = lines.get(`${protocol}//${host}`)
        const socket = line && takeIdle(line)
        if (socket === undefined) callback(new NoConnectionError(), null)
        else callback(null, socket)
      })
    },
    [Symbol.dispose]() {
      isClosed = true
      for (const { waiting, idle } of lines.values()) {
        for (const waiter of waiting.toArray()) waiter.fail(new ConnectionLineClosedError('The sender is closed'))
        waiting.clear()
        for (const socket of idle.keys()) socket.destroy()
      }
    },
  }
}

/** What the pool asks a connector for. */
function optionsOf(origin: string): buildConnector.Options {
  const { host, hostname, port, protocol } = new URL(origin)
  return { host, hostname: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname, port, protocol }
}
