/**
 * Answers what Node's HTTP parser refused or gave up waiting for: no request exists, only a socket.
 *
 * Three things a plain "write 400 and end" gets wrong. The parser reports every further piece of a
 * refused stream, and closing at the second report would cut the answer to the first off. A refusal
 * must not overtake the answer to an earlier request on the connection, or a publish that was stored
 * would look refused. And a peer that never closes its half would keep the descriptor for ever.
 */

import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { encodeError } from '#shared/sns-wire'

export interface BrokenRequests {
  /** Called with each request before it is served. */
  watch(request: IncomingMessage, response: ServerResponse): void
  /** For `clientError`. */
  refuse(error: NodeJS.ErrnoException, socket: Socket): void
}

/** How long a refused peer may take to read the answer and to close. */
const LINGER_MS = 1000

export function createBrokenRequests(): BrokenRequests {
  const unanswered = new WeakMap<Socket, Set<ServerResponse>>()
  const refused = new WeakSet<Socket>()

  return {
    watch(request, response) {
      const responses = unanswered.get(request.socket) ?? new Set()
      unanswered.set(request.socket, responses.add(response))
      response.once('close', () => responses.delete(response))
    },
    refuse(error, socket) {
      if (refused.has(socket)) return
      refused.add(socket)
      if (!socket.writable || error.code === 'ECONNRESET') {
        socket.destroy()
        return
      }
      // Opened ahead of need: the client would take an answer for that to the request it is about to send.
      if (isLate(error) && socket.bytesRead === 0) {
        end(socket, '')
        return
      }
      // One whose own body broke off is never answered: its handler waits for the rest and then gives up.
      const underWay = [...(unanswered.get(socket) ?? [])].filter(({ req }) => req.complete)
      const last = underWay.at(-1)
      if (last === undefined) end(socket, refusalOf(error))
      else last.once('close', () => end(socket, ''))
    },
  }
}

function end(socket: Socket, answer: string): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
  socket.end(answer)
}

function isLate({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ERR_HTTP_REQUEST_TIMEOUT'
}

/** Codes and statuses: SNS API reference, "Common Error Types". */
function refusalOf(error: NodeJS.ErrnoException): string {
  const requestId = randomUUID()
  const late = isLate(error)
  const body = encodeError({
    code: late ? 'RequestTimeoutException' : 'MalformedHttpRequestException',
    message: late ? 'The request was not sent in time' : 'The request is not well-formed HTTP',
    fault: 'sender',
    requestId,
  })
  return (
    `HTTP/1.1 ${late ? '408 Request Timeout' : '400 Bad Request'}\r\n` +
    `Connection: close\r\nContent-Type: text/xml\r\nx-amzn-RequestId: ${requestId}\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )
}
