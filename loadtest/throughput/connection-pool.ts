/**
 * Connections to the gateways, used in turn so that all stay open and the load spreads over all gateways. A request that
 * finds none free waits; one that closes is replaced.
 */

import {
  type Answer,
  type ConnectionOptions,
  openPublishConnection,
  type PublishConnection,
} from './publish-connection.ts'

export interface ConnectionPool {
  /** @param onSent called when a connection was free and the request went out */
  send(bytes: Uint8Array, onSent: () => void, onAnswer: (answer: Answer) => void): void
  /** Requests that wait for a connection now. */
  readonly waiting: number
  readonly underWay: number
  /** Connections opened after the first ones, since others had closed. */
  readonly reopened: number
  /** Answers all that wait with an error: they will not be sent. */
  giveUp(code: string): void
  close(): void
}

interface Waiting {
  readonly bytes: Uint8Array
  readonly onSent: () => void
  readonly onAnswer: (answer: Answer) => void
}

/** Handshakes at a time: hundreds at once would be the load. */
const OPENED_AT_ONCE = 16
const REOPEN_AFTER_MS = 100
/** More would only fill memory: whoever waits behind so many is not answered within any time that counts. */
const MOST_WAITING = 100_000

export async function openPool(o: ConnectionOptions & { connections: number }): Promise<ConnectionPool> {
  const idle = createQueue<PublishConnection>()
  const waiting = createQueue<Waiting>()
  const open = new Set<PublishConnection>()
  let underWay = 0
  let reopened = 0
  let closed = false

  const add = async () => {
    const state = { isClosed: false }
    const connection = await openPublishConnection(o, () => {
      state.isClosed = true
      open.delete(connection)
      if (!closed) reopen()
    })
    open.add(connection)
    isUsable.set(connection, () => !state.isClosed)
    offer(connection)
  }
  const isUsable = new WeakMap<PublishConnection, () => boolean>()
  const reopen = () => {
    reopened++
    const again = () => void (closed || add().catch(() => setTimeout(again, REOPEN_AFTER_MS)))
    again()
  }
  const offer = (connection: PublishConnection) => {
    const next = waiting.shift()
    if (next === undefined) idle.push(connection)
    else use(connection, next)
  }
  const use = (connection: PublishConnection, { bytes, onSent, onAnswer }: Waiting) => {
    underWay++
    onSent()
    connection.send(bytes, (answer) => {
      underWay--
      onAnswer(answer)
      if ('status' in answer) offer(connection)
    })
  }
  for (let opened = 0; opened < o.connections; opened += OPENED_AT_ONCE) {
    const some = Math.min(OPENED_AT_ONCE, o.connections - opened)
    await Promise.all(Array.from({ length: some }, add))
  }
  return {
    send(bytes, onSent, onAnswer) {
      let connection = idle.shift()
      while (connection !== undefined && isUsable.get(connection)?.() !== true) connection = idle.shift()
      if (connection !== undefined) use(connection, { bytes, onSent, onAnswer })
      else if (waiting.length >= MOST_WAITING) onAnswer({ error: 'NeverSent' })
      else waiting.push({ bytes, onSent, onAnswer })
    },
    get waiting() {
      return waiting.length
    },
    get underWay() {
      return underWay
    },
    get reopened() {
      return reopened
    },
    giveUp(code) {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) next.onAnswer({ error: code })
    },
    close() {
      closed = true
      for (const connection of open) connection.close()
    },
  }
}

/** First in, first out, without moving what is left at each step as `Array.shift` does of long arrays. */
function createQueue<T>() {
  let items: T[] = []
  let head = 0
  return {
    push: (item: T) => void items.push(item),
    shift(): T | undefined {
      const item = items[head]
      if (item === undefined) return undefined
      head++
      if (head > 1024 && head * 2 > items.length) {
        items = items.slice(head)
        head = 0
      }
      return item
    },
    get length() {
      return items.length - head
    },
  }
}
