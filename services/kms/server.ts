/**
 * node:http(s) in and out: bodies within their limit, timeouts, keep-alive. Knows no rule of KMS.
 */

import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { distinctHeaders } from '#shared/sigv4'
import { InjectedSilenceError } from './faults/errors.ts'
import type { Answer, HandleRequest } from './handle-request.ts'

interface KmsServer extends AsyncDisposable {
  readonly port: number
}

/** Longest body, in bytes: far above any request of KMS. */
const MAX_BODY_BYTES = 256 * 1024

/** What is read, though not kept, of a body over the limit, so that its sender gets to read the answer. */
const MAX_DRAINED_BYTES = 16 * MAX_BODY_BYTES

/** Time for a whole request to arrive, in milliseconds. */
const REQUEST_TIMEOUT_MS = 10_000

/** Longer than clients keep an idle socket, so that closing is theirs and no request meets a closing socket. */
const KEEP_ALIVE_MS = 75_000

/** Time for answers in flight when stopping, in milliseconds. */
const CLOSE_DEADLINE_MS = 3_000

/**
 * @param o.tls PEM texts; absent: plain HTTP
 * @throws what listening throws, e.g. EADDRINUSE
 */
export async function startServer(o: {
  host: string
  port: number
  tls: { cert: string; key: string } | undefined
  handleRequest: HandleRequest
}): Promise<KmsServer> {
  const options = {
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: 1_000,
  }
  let isClosing = false
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    serve(request, o.handleRequest).then(
      (answer) => send(response, answer, { close: isClosing }),
      (error: unknown) => {
        if (error instanceof InjectedSilenceError) leaveUnanswered(response, error.released)
        else request.destroy()
      },
    )
  }
  const server = o.tls
    ? createHttpsServer({ ...options, ...o.tls, minVersion: 'TLSv1.2' }, listener)
    : createHttpServer(options, listener)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(o.port, o.host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      isClosing = true
      const closed = new Promise((resolve) => server.close(resolve))
      const deadline = setTimeout(() => server.closeAllConnections(), CLOSE_DEADLINE_MS)
      await closed
      clearTimeout(deadline)
    },
  }
}

async function serve(request: IncomingMessage, handle: HandleRequest): Promise<Answer> {
  const body = await readBody(request)
  const { method = '', url: target = '' } = request
  const headers = distinctHeaders(request)
  return await handle({ method, target, headers, body, sourceIp: sourceIpOf(request), secure: isSecure(request) })
}

function isSecure({ socket }: IncomingMessage): boolean {
  return 'encrypted' in socket && socket.encrypted === true
}

/** A socket that listens for both families names IPv4 peers in IPv6's form. */
function sourceIpOf({ socket }: IncomingMessage): string | undefined {
  return socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, '')
}

/** Until the client gives up, or `released` is aborted. */
function leaveUnanswered(response: ServerResponse, released: AbortSignal): void {
  const cut = () => void response.destroy()
  if (released.aborted || response.destroyed) cut()
  else {
    released.addEventListener('abort', cut, { once: true })
    response.once('close', () => released.removeEventListener('abort', cut))
  }
}

/** @returns undefined when the body is over the limit */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk)
    else if (bytes > MAX_DRAINED_BYTES) throw new Error('body far over the limit')
  }
  return bytes <= MAX_BODY_BYTES ? Buffer.concat(chunks, bytes) : undefined
}

function send(response: ServerResponse, { status, requestId, body }: Answer, { close }: { close: boolean }): void {
  response.writeHead(status, {
    'Content-Type': 'application/x-amz-json-1.1',
    'Content-Length': Buffer.byteLength(body),
    'x-amzn-RequestId': requestId,
    // Answers hold data keys.
    'Cache-Control': 'no-store',
    // A kept connection would hold up the end.
    ...(close ? { Connection: 'close' } : {}),
  })
  response.end(body)
}
