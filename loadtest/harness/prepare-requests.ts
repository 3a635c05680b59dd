/**
 * Requests as an AWS SDK would send them, written to files before anything is timed: each distinct, each
 * with a signature of its own, so that no cache of either could help and the client has only to send.
 */

import { randomBytes, randomUUID } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import { signRequest } from '#shared/sigv4'

export interface Signer {
  /** Of the gateway, as in Host. */
  readonly host: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Of the credential scope; sns unless told. */
  readonly service?: string
}

export interface PreparedRequest {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** @param parameters of AWS Query, in order; `Action` first */
export function prepareRequest(parameters: readonly (readonly [string, string])[], signer: Signer): PreparedRequest {
  const body = parameters.map(([name, value]) => `${name}=${encodeParameter(value)}`).join('&')
  const headers = signRequest(
    {
      method: 'POST',
      path: '/',
      headers: {
        host: signer.host,
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': String(Buffer.byteLength(body)),
        // What the JavaScript SDK adds.
        'user-agent': 'aws-sdk-js/3.1169.0 ua/2.1 os/linux lang/js md/nodejs#24.21.0 api/sns#3.1169.0 m/E,N,e',
        'x-amz-user-agent': 'aws-sdk-js/3.1169.0',
        'amz-sdk-invocation-id': randomUUID(),
        'amz-sdk-request': 'attempt=1; max=3',
      },
      body,
    },
    { service: 'sns', ...signer, now: Date.now() },
  )
  return { headers, body }
}

/** As it goes over the wire, HTTP/1.1. */
export function wireBytes({ headers, body }: PreparedRequest): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`POST / HTTP/1.1\r\n${lines.join('')}\r\n${body}`, 'utf8')
}

/**
 * Writes `<prefix>.0`, `<prefix>.1`, … for as many threads: records of a length (4 bytes, little endian) and
 * a request, as wrk.lua reads them.
 */
export function writeRequests(o: {
  prefix: string
  threads: number
  count: number
  make: (index: number) => PreparedRequest
}): void {
  const files = Array.from({ length: o.threads }, (_, thread) => openSync(`${o.prefix}.${thread}`, 'w', 0o600))
  try {
    const pending: Buffer[][] = files.map(() => [])
    const flush = (thread: number) => {
      const file = files[thread]
      const records = pending[thread]?.splice(0)
      if (file !== undefined && records !== undefined) writeSync(file, Buffer.concat(records))
    }
    for (let index = 0; index < o.count; index++) {
      const thread = index % o.threads
      const request = wireBytes(o.make(index))
      const length = Buffer.alloc(4)
      length.writeUInt32LE(request.byteLength)
      const records = pending[thread]
      records?.push(length, request)
      if ((records?.length ?? 0) >= 512) flush(thread)
    }
    for (const thread of files.keys()) flush(thread)
  } finally {
    for (const file of files) closeSync(file)
  }
}

/** Bytes of a message in every row but where the row says otherwise. */
export const MESSAGE_BYTES = 1024

/**
 * A JSON document as applications publish them, of exactly 1 KiB and unlike any other. About one character in
 * nine has to be percent-encoded on the way, as in real ones.
 */
export function makeMessage(index: number): string {
  const random = randomBytes(700).toString('base64url')
  const fields: Record<string, unknown> = { id: randomUUID(), index, kind: 'order.placed', currency: 'EUR' }
  for (let line = 0; line < 16; line++) fields[`line${line}`] = random.slice(line * 40, line * 40 + 32)
  fields.note = ''
  const missing = MESSAGE_BYTES - JSON.stringify(fields).length
  fields.note = random.slice(-missing)
  return JSON.stringify(fields)
}

/** RFC 3986, as SDKs encode: encodeURIComponent leaves five characters that they do not. */
function encodeParameter(value: string): string {
  return encodeURIComponent(value).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
