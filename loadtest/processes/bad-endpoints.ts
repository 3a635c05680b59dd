/**
 * Subscribers that behave badly, each on a port of its own: they answer their confirmation, and then never,
 * with a reset, with 500, or one request a second.
 */

import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serveParent } from './serve-parent.ts'

export type Manner = 'hanging' | 'resetting' | 'failing' | 'one a second'

export type BadEndpoints = {
  /** @returns the port of one more endpoint */
  listen(o: { manner: Manner }): Promise<number>
  /** @returns the token of the confirmation that was or will be sent to the port */
  takeToken(o: { port: number }): Promise<string>
  /** How many notifications came to the port so far. */
  received(o: { port: number }): number
}

const tokens = new Map<number, string>()
const counts = new Map<number, number>()
const events = new EventEmitter()

const MANNERS: Record<Manner, (response: ServerResponse) => void> = {
  hanging: () => undefined,
  resetting: (response) => response.socket?.resetAndDestroy(),
  failing: (response) => response.writeHead(500).end(),
  'one a second': oneASecond(),
}

/** One after another, as a server with one thread does: whoever comes later waits for all before. */
function oneASecond(): (response: ServerResponse) => void {
  let freeAt = 0
  return (response) => {
    freeAt = Math.max(freeAt, performance.now()) + 1_000
    setTimeout(() => response.writeHead(200).end(), freeAt - performance.now())
  }
}

const calls: BadEndpoints = {
  async listen({ manner }) {
    let port = 0
    const server = createServer({ keepAliveTimeout: 75_000, noDelay: true }, (request, response) => {
      void readBody(request).then((body) => {
        if (request.headers['x-amz-sns-message-type'] === 'SubscriptionConfirmation') {
          const { Token }: Record<string, string> = JSON.parse(body)
          tokens.set(port, Token ?? '')
          response.writeHead(200).end()
          events.emit('token')
          return
        }
        counts.set(port, (counts.get(port) ?? 0) + 1)
        MANNERS[manner](response)
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
    return port
  },
  async takeToken({ port }) {
    const signal = AbortSignal.timeout(15_000)
    for (;;) {
      const token = tokens.get(port)
      tokens.delete(port)
      if (token !== undefined) return token
      await once(events, 'token', { signal })
    }
  },
  received: ({ port }) => counts.get(port) ?? 0,
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

serveParent(calls)
