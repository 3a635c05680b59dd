/** Sends a request line for line as it is, as no client library would. */

import { type Agent, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { valuesOf, type WireRequest } from './wire-request.ts'

/** Header lines that frame the message: with another value it is not this request that arrives. */
const FRAMING = ['transfer-encoding', 'connection', 'expect', 'upgrade']

/** Whether a server gets to see the request whole, and its answer has a body that tells what it thinks. */
export function isDeliverable(wire: WireRequest): boolean {
  const lengths = valuesOf(wire, 'content-length')
  return (
    lengths.length <= 1 &&
    lengths.every((length) => length === String(Buffer.byteLength(wire.body))) &&
    // Of other methods Node frames no body that no line frames.
    (wire.body === '' || lengths.length === 1 || ['POST', 'PUT', 'PATCH'].includes(wire.method)) &&
    valuesOf(wire, 'host').length > 0 &&
    FRAMING.every((name) => valuesOf(wire, name).length === 0) &&
    /^[\x21-\x7e]*$/.test(wire.path + wire.query) &&
    wire.method !== 'HEAD'
  )
}

export function sendWire(
  wire: WireRequest,
  { origin, agent }: { origin: string; agent: Agent },
): Promise<{ status: number; body: string }> {
  const { protocol, hostname, port } = new URL(origin)
  const send = protocol === 'https:' ? httpsRequest : httpRequest
  const path = wire.query === '' ? wire.path : `${wire.path}?${wire.query}`
  return new Promise((resolve, reject) => {
    const headers = wire.headers.flat()
    const request = send({ hostname, port, agent, path, method: wire.method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }))
    })
    request.on('error', reject)
    request.end(wire.body)
  })
}
