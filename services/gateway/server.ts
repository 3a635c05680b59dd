/**
 * HTTP in and out. Knows no SNS rule: it reads a bounded body, hands bytes over and writes the
 * answer. HTTPS always; plain HTTP only where a port for it is set.
 */

import { randomUUID } from 'node:crypto'
import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { distinctHeaders } from '#shared/sigv4'
import type { Admission, RefusalReason } from './admission.ts'
import type { GatewayResponse, HandleRequest } from './handle-request.ts'
import { type BodyResult, createBodyReader, type ReadBody } from './read-body.ts'
import { createBrokenRequests } from './refuse-broken-request.ts'
import { refuseMisdirected, refuseOverloaded, refuseTooLong } from './refuse-misdirected.ts'
import { findSigningCertificate } from './signing-certificates.ts'
import { stopServers } from './stop-servers.ts'

export interface GatewayServer {
  readonly port: number
  readonly httpPort: number | undefined
  /** Takes no new connections, lets requests under way finish, gives up on them after `deadlineMs`. */
  stop(deadlineMs: number): Promise<void>
}

/** Bytes of request line and headers together: room for a GET whose parameters are all in the URL. */
const HEADER_BYTES = 64 * 1024
/** A client has this long for its TLS handshake and for its headers, and this long for the whole request. */
const HEADERS_TIMEOUT_MS = 10_000
const REQUEST_TIMEOUT_MS = 30_000
/** How often both are looked at. Node's own 30 s would stretch them to 40 and 60. */
const TIMEOUT_CHECK_MS = 1_000
/** Longer than the idle time SDKs keep pooled connections, so that they close first, not we under a request. */
const KEEP_ALIVE_MS = 75_000
const CERTIFICATE_POLL_MS = 5_000

export async function startGatewayServer(o: {
  host: string
  port: number
  httpPort: number | undefined
  tlsCertificateFile: string
  tlsKeyFile: string
  /** How often it is looked whether the certificate's file has changed. */
  certificatePollMs?: number
  certificates: ReadonlyMap<string, string>
  admission: Admission
  handleRequest: HandleRequest
  /** Open at once on each of the two ports. */
  maxConnections: number
  /** Of all request bodies that are being read or served. */
  bodyBudgetBytes: number
  onTlsReloadFailure: (error: unknown) => void
  /** Told of the certificate that new connections are given, at the start and after each change. */
  onTlsInUse: (certificatePem: string) => void
  /** A connection beyond the limit was closed as soon as it was accepted. */
  onConnectionRefused: () => void
  /** A connection could not be accepted, or a request could be neither answered nor refused. */
  onFailure: (error: unknown) => void
}): Promise<GatewayServer> {
  const options = {
    maxHeaderSize: HEADER_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    noDelay: true,
    // Node's own refusal of a missing host has no body; ours has SNS's form.
    requireHostHeader: false,
  }
  const readTls = () => ({ cert: readFileSync(o.tlsCertificateFile), key: readFileSync(o.tlsKeyFile) })
  const tls = readTls()
  const https = createHttpsServer({ ...options, ...tls, minVersion: 'TLSv1.2', handshakeTimeout: HEADERS_TIMEOUT_MS })
  o.onTlsInUse(tls.cert.toString('latin1'))
  const servers: Server[] = [https]
  const http = o.httpPort === undefined ? undefined : createHttpServer(options)
  if (http !== undefined) servers.push(http)

  let stopping = false
  let requests = 0
  const broken = createBrokenRequests()
  const readBody = createBodyReader({ budgetBytes: o.bodyBudgetBytes })
  for (const server of servers) {
    const onRequest = (request: IncomingMessage, response: ServerResponse) => {
      requests++
      broken.watch(request, response)
      serve(request, response, { ...o, readBody, secure: server === https, isStopping: () => stopping }).catch(
        (error) => {
          o.onFailure(error)
          response.destroy()
        },
      )
    }
    server.on('request', onRequest)
    // An expectation nobody knows is ignored, as RFC 9110, 10.1.1 allows: Node's 417 has no body.
    server.on('checkExpectation', onRequest)
    server.on('clientError', broken.refuse)
    server.maxConnections = o.maxConnections
    server.on('drop', o.onConnectionRefused)
  }
  const stopWatching = reloadTlsOnChange(https, readTls, { certificatePollMs: CERTIFICATE_POLL_MS, ...o })
  const port = await listen(https, o.port, o.host)
  const httpPort = http === undefined ? undefined : await listen(http, o.httpPort ?? 0, o.host)
  for (const server of servers) server.on('error', o.onFailure)

  return {
    port,
    httpPort,
    async stop(deadlineMs) {
      stopping = true
      stopWatching()
      await stopServers(servers, { requestsSoFar: () => requests, deadlineMs })
    },
  }
}

interface ServeOptions {
  readonly secure: boolean
  readonly readBody: ReadBody
  readonly certificates: ReadonlyMap<string, string>
  readonly admission: Admission
  readonly handleRequest: HandleRequest
  isStopping(): boolean
}

async function serve(request: IncomingMessage, response: ServerResponse, o: ServeOptions): Promise<void> {
  const read = await o.readBody(request)
  if (read.kind === 'aborted') return
  // What was left unread would be taken for the next request.
  if (read.kind !== 'whole') response.setHeader('connection', 'close')
  try {
    const answered = await answer(request, read, o)
    if (answered.close || o.isStopping()) response.setHeader('connection', 'close')
    write(response, answered)
  } finally {
    if (read.kind === 'whole') read.release()
  }
}

type Answer = GatewayResponse & { close?: boolean }

async function answer(
  request: IncomingMessage,
  read: Exclude<BodyResult, { kind: 'aborted' }>,
  o: ServeOptions,
): Promise<Answer> {
  const { url = '/', method = '' } = request
  const mark = url.indexOf('?')
  const path = mark === -1 ? url : url.slice(0, mark)
  const certificate = method === 'GET' ? findSigningCertificate(path, o.certificates) : undefined
  if (certificate !== undefined) {
    return { status: 200, requestId: randomUUID(), contentType: 'application/x-pem-file', body: certificate }
  }
  if (read.kind === 'too-long') return refuseTooLong()
  if (read.kind === 'overloaded') return refuseInTime('body-budget', o)
  // The links in notifications are GETs; SDKs send POSTs.
  const entered = o.admission.enter({ isLink: method === 'GET' })
  if (typeof entered === 'string') {
    read.release()
    return refuseInTime(entered, o)
  }
  try {
    const headers = distinctHeaders(request)
    const misdirected = refuseMisdirected(request, { path, headers })
    if (misdirected !== undefined) return misdirected
    return await o.handleRequest({
      method,
      path,
      query: mark === -1 ? '' : url.slice(mark + 1),
      headers,
      body: read.body,
      secure: o.secure,
      remoteAddress: remoteAddressOf(request),
    })
  } finally {
    entered()
  }
}

/** A socket that listens on both families shows IPv4 peers as `::ffff:192.0.2.1`. */
function remoteAddressOf({ socket }: IncomingMessage): string {
  const address = socket.remoteAddress ?? ''
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
}

async function refuseInTime(reason: RefusalReason, { admission }: ServeOptions): Promise<Answer> {
  const { close } = await admission.refuse(reason)
  return { ...refuseOverloaded(), close }
}

function write(response: ServerResponse, { status, requestId, contentType, body }: GatewayResponse): void {
  response.writeHead(status, {
    'x-amzn-RequestId': requestId,
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(body),
  })
  response.end(body)
}

function reloadTlsOnChange(
  server: HttpsServer,
  readTls: () => { cert: Buffer; key: Buffer },
  o: {
    tlsCertificateFile: string
    certificatePollMs: number
    onTlsReloadFailure: (error: unknown) => void
    onTlsInUse: (certificatePem: string) => void
  },
): () => void {
  const reload = () => {
    try {
      const tls = readTls()
      server.setSecureContext({ ...tls, minVersion: 'TLSv1.2' })
      o.onTlsInUse(tls.cert.toString('latin1'))
    } catch (error) {
      // The certificate in use stays; a half-written file is read again at its next change.
      o.onTlsReloadFailure(error)
    }
  }
  watchFile(o.tlsCertificateFile, { interval: o.certificatePollMs, persistent: false }, reload)
  return () => unwatchFile(o.tlsCertificateFile, reload)
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // Several gateways share a port, and the kernel shares its connections out. Elsewhere than on Linux it does not.
    server.listen({ port, host, reusePort: process.platform === 'linux' }, () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}
