/** Requests that no SDK would send: built and, where wanted, signed by hand. */

import { type Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Duplex } from 'node:stream'
import { signRequest } from '#shared/sigv4'

export interface RawResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** `<Code>` of SNS's error form; empty when there is none. */
  readonly code: string
  readonly message: string
  /** Whether it came over a connection that had served another request. */
  readonly reused: boolean
}

export interface RawRequest {
  readonly url: string
  readonly ca?: string
  readonly method?: string
  /** A list sends one header several times. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Uint8Array
  /** Node's global one unless given. */
  readonly agent?: Agent
}

export function sendRaw({ url, method = 'POST', headers = {}, body = '', ...o }: RawRequest): Promise<RawResponse> {
  const send = url.startsWith('https:') ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    let reused = false
    const request = send(url, { method, headers: mutable(headers), ...o }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        const element = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1] ?? ''
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: text,
          code: element('Code'),
          message: element('Message'),
          reused,
        })
      })
    })
    request.on('socket', (socket) => {
      reused = hasServed.has(socket)
      hasServed.add(socket)
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** Node's own flag is not set for a request that waited in the agent for a free connection. */
const hasServed = new WeakSet<Duplex>()

function mutable(headers: Readonly<Record<string, string | readonly string[]>>): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
  )
}

export interface SigningOptions {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly region?: string
  readonly service?: string
  readonly now?: number
}

/** A form POST signed as SDKs sign it; what is changed after that is the test's business. */
export function signedForm(
  url: string,
  body: string | Uint8Array,
  o: SigningOptions,
): RawRequest & { headers: Record<string, string> } {
  const { host, pathname, search } = new URL(url)
  const headers = signRequest(
    {
      method: 'POST',
      path: pathname,
      query: search.slice(1),
      headers: { host, 'content-type': 'application/x-www-form-urlencoded' },
      body,
    },
    { region: 'us-east-1', service: 'sns', now: Date.now(), ...o },
  )
  return { url, body, headers }
}
