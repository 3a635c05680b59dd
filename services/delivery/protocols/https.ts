/**
 * POSTs to HTTP and HTTPS endpoints and says what came of it; never rejects.
 *
 * Connections are kept alive, one pool an origin. One timer covers an attempt from asking for a
 * connection to the end of the response. The status line decides; the body is dropped as it comes,
 * and past a cap the connection with it. Redirects are answers like any other: nothing is followed.
 * Credentials of the endpoint are sent only after a 401 that asks for Basic; Digest is not spoken, so
 * such a 401 stays final. Which addresses are connected to is guarded-connector.ts's matter.
 *
 * Uses undici's dispatch interface: no stream and no promise chain for a body nobody reads.
 */

import type { LookupFunction } from 'node:net'
import type { SecureContext } from 'node:tls'
import { Agent, type Dispatcher, errors } from 'undici'
import type { EndpointNetworks } from '#shared/endpoint-guard'
import type { AttemptResult } from '../classify-outcome.ts'
import {
  MAX_CONNECTIONS_PER_ORIGIN,
  MAX_INFORMATIONAL_RESPONSES,
  MAX_RESPONSE_BODY_BYTES,
  MAX_RESPONSE_BYTES,
  MAX_RESPONSE_HEADER_BYTES,
} from '../limits.ts'
import { type ConnectionLine, createConnectionLine, NoConnectionError, type Waiter } from './connection-line.ts'
import { createGuardedConnector, EndpointAddressRefusedError, type OnEndpointRefused } from './guarded-connector.ts'
import type { HttpTarget } from './http-target.ts'
import { limitResponseBytes } from './limit-response-bytes.ts'

export interface HttpSender extends AsyncDisposable {
  post(request: HttpPost): Promise<AttemptResult>
}

export interface HttpPost {
  target: HttpTarget
  headers: Readonly<Record<string, string>>
  body: string
}

/**
 * @param trust for https; see subscriber-trust.ts
 * @param timeoutMs of a whole attempt
 * @param networks where endpoints may be beside public addresses
 * @param onRefused hears of every connection that was not opened because of its address
 * @param lookup the resolver, where a test has one of its own
 */
export function createHttpSender({
  trust,
  timeoutMs,
  networks,
  onRefused,
  lookup,
}: {
  trust: SecureContext
  timeoutMs: number
  networks: EndpointNetworks
  onRefused: OnEndpointRefused
  lookup?: LookupFunction
}): HttpSender {
  const line = createConnectionLine({
    connect: createGuardedConnector({ networks, onRefused, trust, timeoutMs, ...(lookup && { lookup }) }),
    maxPerOrigin: MAX_CONNECTIONS_PER_ORIGIN,
    onOpen: (socket) => limitResponseBytes(socket, MAX_RESPONSE_BYTES),
  })
  const agent = new Agent({
    connections: MAX_CONNECTIONS_PER_ORIGIN,
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
    connect: line.connect,
    // Our timer covers both.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  return {
    post: (request) =>
      new Promise((resolve) => {
        new Attempt({ agent, line, request, timeoutMs, resolve }).send(request.headers)
      }),
    async [Symbol.asyncDispose]() {
      line[Symbol.dispose]()
      await agent.destroy()
    },
  }
}

/**
 * One attempt: asked for a connection → sent → answered (the result is known) → ended (the connection is free
 * again). A 401 with a Basic challenge starts a second request inside the same attempt, once.
 */
class Attempt implements Dispatcher.DispatchHandler, Waiter {
  readonly #agent: Agent
  readonly #line: ConnectionLine
  readonly #request: HttpPost
  readonly #resolve: (result: AttemptResult) => void
  readonly #timer: NodeJS.Timeout
  #headers: Readonly<Record<string, string>>
  #controller: Dispatcher.DispatchController | undefined
  #expired = false
  #challenged = false
  #retrying = false
  #bodyBytes = 0
  #informational = 0

  constructor({
    agent,
    line,
    request,
    timeoutMs,
    resolve,
  }: {
    agent: Agent
    line: ConnectionLine
    request: HttpPost
    timeoutMs: number
    resolve: (result: AttemptResult) => void
  }) {
    this.#agent = agent
    this.#line = line
    this.#headers = request.headers
    this.#request = request
    this.#resolve = resolve
    this.#timer = setTimeout(() => this.#expire(), timeoutMs)
  }

  send(headers: Readonly<Record<string, string>>): void {
    this.#headers = headers
    this.#line.enter(this.#request.target.origin, this)
  }

  begin(): void {
    const { target, body } = this.#request
    const { origin, path } = target
    this.#agent.dispatch({ origin, path, method: 'POST', headers: this.#headers, body }, this)
  }

  fail(error: Error): void {
    this.#finish(this.#resultOf(error))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // Time was up while it waited for a connection: nothing must be sent any more.
    if (this.#expired) controller.abort(new AttemptAbort())
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    if (statusCode < 200) {
      if (++this.#informational > MAX_INFORMATIONAL_RESPONSES) controller.abort(new TooManyInformationalError())
      return
    }
    if (statusCode === 401 && !this.#challenged && this.#request.target.basicAuthorization !== undefined) {
      this.#challenged = true
      if (asksForBasic(headers['www-authenticate'])) {
        this.#retrying = true
        return
      }
    }
    this.#resolve({ kind: 'answered', statusCode })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bodyBytes += chunk.byteLength
    if (this.#bodyBytes > MAX_RESPONSE_BODY_BYTES) controller.abort(new AttemptAbort())
  }

  onResponseEnd(): void {
    this.#line.leave(this.#request.target.origin)
    if (this.#retrying) this.#answerChallenge()
    else clearTimeout(this.#timer)
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    const { origin } = this.#request.target
    if (error instanceof NoConnectionError && !this.#expired) {
      this.#line.rejoin(origin, this)
      return
    }
    this.#line.leave(origin)
    // A challenge whose body broke off is a challenge all the same.
    if (this.#retrying && !this.#expired) {
      this.#answerChallenge()
      return
    }
    // After an answer this changes nothing: the result stands already.
    this.#finish(this.#resultOf(error))
  }

  #resultOf(error: Error): AttemptResult {
    if (this.#expired) return { kind: 'unanswered', code: 'TIMEOUT' }
    if (error instanceof EndpointAddressRefusedError && !error.retryable)
      return { kind: 'unsendable', code: error.code }
    const isOurFault = error instanceof errors.InvalidArgumentError
    return { kind: isOurFault ? 'unsendable' : 'unanswered', code: codeOf(error) }
  }

  #answerChallenge(): void {
    this.#retrying = false
    this.#bodyBytes = 0
    this.#controller = undefined
    const { headers, target } = this.#request
    this.send({ ...headers, authorization: target.basicAuthorization ?? '' })
  }

  #expire(): void {
    this.#expired = true
    this.#line.giveUp(this.#request.target.origin, this)
    this.#resolve({ kind: 'unanswered', code: 'TIMEOUT' })
    this.#controller?.abort(new AttemptAbort())
  }

  #finish(result: AttemptResult): void {
    clearTimeout(this.#timer)
    this.#resolve(result)
  }
}

/** Ends a request of our own accord. */
class AttemptAbort extends Error {}

/** The endpoint says "wait" without end. */
class TooManyInformationalError extends AttemptAbort {
  readonly code = 'TOO_MANY_INFORMATIONAL_RESPONSES'
}

/** RFC 9110, 11.6.1: a list of challenges; scheme names are case-insensitive. */
function asksForBasic(challenge: string | string[] | undefined): boolean {
  const challenges = typeof challenge === 'string' ? [challenge] : (challenge ?? [])
  return challenges.some((text) => /(^|,)\s*basic(\s|,|$)/i.test(text))
}

/** The code of an error of Node, OpenSSL or undici; anything that is no plain code becomes UNKNOWN. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? code : 'UNKNOWN'
}
