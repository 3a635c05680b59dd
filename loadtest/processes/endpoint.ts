/**
 * The subscriber of the delivery rows: node:http, answers 200 at once and remembers by message id what came and
 * when. The bare loop these rows compare with posts to it too.
 */

import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serveParent } from './serve-parent.ts'

export type Endpoint = {
  /** @returns the port */
  listen(o: Record<string, never>): Promise<number>
  /** Stops listening and cuts every connection: from now on it is dead. */
  close(o: Record<string, never>): Promise<void>
  /** Listens again, on the port it had. */
  reopen(o: { port: number }): Promise<void>
  /** @returns the token of the confirmation that was or will be sent for the topic */
  takeToken(o: { topicArn: string }): Promise<string>
  /** Forgets what came. */
  reset(o: Record<string, never>): void
  /** Waits until `count` distinct messages have come, or for `timeoutMs`. */
  arrivals(o: { count: number; timeoutMs: number; withTimes: boolean }): Promise<Arrivals>
}

export interface Arrivals {
  readonly distinct: number
  /** More than `distinct` when a message came twice. */
  readonly deliveries: number
  /** Of the deliveries. */
  readonly raw: number
  /** From the first delivery to that of the last distinct message. */
  readonly seconds: number
  /** Message ids with CLOCK_MONOTONIC in ms, which all processes of the machine share; empty unless asked for. */
  readonly times: readonly (readonly [messageId: string, atMs: number])[]
}

const seen = new Map<string, number>()
const tokens = new Map<string, string>()
const events = new EventEmitter()
let deliveries = 0
let raw = 0
let firstAt = 0
let lastAt = 0
let wanted = Number.POSITIVE_INFINITY

const server = createServer({ keepAliveTimeout: 75_000, noDelay: true }, (request, response) => {
  if (request.headers['x-amz-sns-message-type'] === 'SubscriptionConfirmation') {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { TopicArn, Token }: Record<string, string> = JSON.parse(Buffer.concat(chunks).toString('utf8'))
      tokens.set(TopicArn ?? '', Token ?? '')
      response.writeHead(200).end()
      events.emit('token')
    })
    return
  }
  request.resume()
  request.on('end', () => {
    response.writeHead(200).end()
    if (request.headers['x-amz-sns-rawdelivery'] === 'true') raw++
    count(String(request.headers['x-amz-sns-message-id']))
  })
})

function count(messageId: string): void {
  const now = performanceNowMs()
  if (deliveries === 0) firstAt = now
  deliveries++
  if (seen.has(messageId)) return
  seen.set(messageId, now)
  lastAt = now
  if (seen.size === wanted) events.emit('enough')
}

const calls: Endpoint = {
  listen: () =>
    new Promise((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
    }),
  close: () =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    }),
  reopen: ({ port }) =>
    new Promise((resolve) => {
      server.listen(port, '127.0.0.1', () => resolve())
    }),
  async takeToken({ topicArn }) {
    const signal = AbortSignal.timeout(15_000)
    for (;;) {
      const token = tokens.get(topicArn)
      tokens.delete(topicArn)
      if (token !== undefined) return token
      await once(events, 'token', { signal })
    }
  },
  reset() {
    seen.clear()
    deliveries = 0
    raw = 0
    wanted = Number.POSITIVE_INFINITY
  },
  async arrivals({ count: expected, timeoutMs, withTimes }) {
    wanted = expected
    if (seen.size < wanted) {
      // Too few is something to report, not to fail with.
      await once(events, 'enough', { signal: AbortSignal.timeout(timeoutMs) }).catch(() => {})
    }
    return {
      distinct: seen.size,
      deliveries,
      raw,
      seconds: (lastAt - firstAt) / 1000,
      times: withTimes ? [...seen] : [],
    }
  },
}

/** Not performance.now(), whose beginning is each process's own. */
function performanceNowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

serveParent(calls)
