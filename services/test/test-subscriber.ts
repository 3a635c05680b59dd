/**
 * A real HTTPS (or HTTP) subscriber for end-to-end tests: it keeps what it got and answers as told.
 */

import { EventEmitter, once } from 'node:events'
import { createServer as createHttpServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import MessageValidator from 'sns-validator'
import { type CertifiedKey, issueServerCertificate } from '#shared/pki'

export interface ReceivedRequest {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly bytes: Buffer
  /** The body as JSON, with SNS's field names; empty when it is none. */
  readonly json: Readonly<Record<string, string>>
}

export interface TestSubscriber extends AsyncDisposable {
  readonly url: string
  /** Everything POSTed so far, in order of arrival, answered with success or not. */
  readonly received: readonly ReceivedRequest[]
  /** Decides the answer of each request; 200 unless told. */
  answer: (request: ReceivedRequest, response: ServerResponse) => void
  /** Waits until `done` holds of what was received. */
  until(done: (received: readonly ReceivedRequest[]) => boolean, deadlineMs?: number): Promise<void>
  /** Waits for `count` requests of one `Type`. */
  receive(type: string, count: number, deadlineMs?: number): Promise<readonly ReceivedRequest[]>
}

/** @param authority issues the certificate for localhost; without one it speaks plain HTTP */
export async function startTestSubscriber({ authority }: { authority?: CertifiedKey }): Promise<TestSubscriber> {
  const certificate =
    authority && issueServerCertificate({ authority, hosts: ['localhost', '127.0.0.1'], now: Date.now() })
  const server = certificate
    ? createHttpsServer({ cert: certificate.certificatePem, key: certificate.privateKeyPem })
    : createHttpServer()
  const received: ReceivedRequest[] = []
  const arrivals = new EventEmitter()
  const subscriber: TestSubscriber = {
    url: '',
    received,
    answer: (_request, response) => response.writeHead(200).end(),
    async until(done, deadlineMs = 15_000) {
      const signal = AbortSignal.timeout(deadlineMs)
      while (!done(received)) await once(arrivals, 'arrival', { signal })
    },
    async receive(type, count, deadlineMs) {
      const ofType = () => received.filter((request) => request.json.Type === type)
      await subscriber.until(() => ofType().length >= count, deadlineMs)
      return ofType()
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  server.on('request', (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const bytes = Buffer.concat(chunks)
      const body = bytes.toString('utf8')
      const arrived: ReceivedRequest = { headers: request.headers, body, bytes, json: parse(body) }
      received.push(arrived)
      subscriber.answer(arrived, response)
      arrivals.emit('arrival')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(subscriber, { url: `${certificate ? 'https' : 'http'}://localhost:${port}/hook` })
}

function parse(body: string): Record<string, string> {
  try {
    return JSON.parse(body)
  } catch {
    return {} // A raw body is whatever was published.
  }
}

/**
 * Has sns-validator, an independent implementation, fetch the certificate and check the signature.
 *
 * @throws when the signature does not verify
 */
export function verifySignature(request: ReceivedRequest, signingHost: string): Promise<void> {
  const validator = new MessageValidator(new RegExp(`^${RegExp.escape(signingHost)}$`))
  return new Promise((resolve, reject) => {
    validator.validate(request.body, (error) => (error === null ? resolve() : reject(error)))
  })
}
