/**
 * The AWS SDK's own signer, which alone says what the signature of a request is.
 *
 * Its public methods sign what a client is about to send. A test also has to ask what it would have signed for a
 * request that somebody changed on the way, headers and date left as they are; that takes two of its protected methods.
 */

import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import { fieldOf } from './signature-fields.ts'
import { bodyHashOf, isDecodable, readParameters, valuesOf, type WireRequest } from './wire-request.ts'

export interface Signer {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export interface SigningScope {
  readonly region: string
  readonly service: string
  /** Epoch milliseconds. */
  readonly now: number
}

export const ALGORITHM = 'AWS4-HMAC-SHA256'

/** Signs in the Authorization header, as SDKs do. */
export async function signWire(wire: WireRequest, signer: Signer, scope: SigningScope): Promise<WireRequest> {
  const { headers } = await new Oracle(signer, scope).sign(forSdk(wire), { signingDate: new Date(scope.now) })
  return { ...wire, headers: Object.entries(headers) }
}

/** Signs in the query, as SDKs presign. */
export async function presignWire(
  wire: WireRequest,
  signer: Signer,
  o: SigningScope & { readonly expiresIn: number },
): Promise<WireRequest> {
  const { expiresIn, now } = o
  const signed = await new Oracle(signer, o).presign(forSdk(wire), { signingDate: new Date(now), expiresIn })
  return { ...wire, headers: Object.entries(signed.headers), query: writeQuery(signed.query ?? {}) }
}

/**
 * What the SDK would sign this request with, given its own date, scope and list of signed headers.
 *
 * @returns undefined where no client could have signed it: a signed header is not there, the query is not UTF-8
 */
export async function signatureOf(wire: WireRequest, secretAccessKey: string): Promise<string | undefined> {
  const amzDate = fieldOf(wire, 'Date') || (valuesOf(wire, 'date')[0] ?? '')
  const [accessKeyId = '', , region = '', service = ''] = fieldOf(wire, 'Credential').split('/')
  const signedHeaders = fieldOf(wire, 'SignedHeaders').split(';')
  const headers: Record<string, string> = {}
  for (const name of signedHeaders) {
    const values = valuesOf(wire, name)
    if (values.length === 0) return undefined
    headers[name] = values.map((value) => value.replaceAll(/[ \t]+/g, ' ')).join(',')
  }
  if (!isDecodable(wire.query) || !/^\d{8}T\d{6}Z$/.test(amzDate)) return undefined
  const oracle = new Oracle({ accessKeyId, secretAccessKey }, { region, service })
  const { method, path } = wire
  return await oracle.signatureOf({ method, path, query: queryForSdk(wire.query), headers }, amzDate, wire.body)
}

class Oracle extends SignatureV4 {
  readonly #scope: Omit<SigningScope, 'now'>

  constructor(credentials: Signer, { region, service }: Omit<SigningScope, 'now'>) {
    super({ credentials, region, service, sha256: NodeHash })
    this.#scope = { region, service }
  }

  async signatureOf(
    request: {
      method: string
      path: string
      query: Record<string, string | string[]>
      headers: Record<string, string>
    },
    amzDate: string,
    body: string,
  ): Promise<string> {
    const http = { ...request, protocol: 'https:', hostname: 'localhost' }
    const canonical = this.createCanonicalRequest(http, request.headers, bodyHashOf(body))
    const day = amzDate.slice(0, 8)
    const scope = `${day}/${this.#scope.region}/${this.#scope.service}/aws4_request`
    const text = await this.createStringToSign(amzDate, scope, canonical, ALGORITHM)
    // Only the day counts for the key.
    const signingDate = new Date(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}T00:00:00Z`)
    return await this.sign(text, { signingDate })
  }
}

/** node:crypto in the shape the SDK asks for; its own hash in JavaScript takes most of a run. */
class NodeHash {
  readonly #hash: Hash | Hmac

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array)
  }

  update(data: Uint8Array): void {
    this.#hash.update(data)
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {
    throw new Error('a hash is used once')
  }
}

function forSdk({ method, path, query, headers, body }: WireRequest) {
  return {
    method,
    path,
    query: queryForSdk(query),
    headers: Object.fromEntries(headers),
    body,
    protocol: 'https:',
    hostname: 'localhost',
  }
}

/** Without the signature, which is never part of what it signs. */
function queryForSdk(query: string): Record<string, string | string[]> {
  const parameters = readParameters(query).filter(([name]) => name !== 'X-Amz-Signature')
  const names = [...new Set(parameters.map(([name]) => name))]
  return Object.fromEntries(
    names.map((name) => {
      const values = parameters.filter(([given]) => given === name).map(([, value]) => value)
      return [name, values.length === 1 ? String(values[0]) : values]
    }),
  )
}

function writeQuery(query: Readonly<Record<string, string | string[] | null>>): string {
  return Object.entries(query)
    .flatMap(([name, value]) =>
      [value].flat().map((item) => `${encodeURIComponent(name)}=${encodeURIComponent(item ?? '')}`),
    )
    .join('&')
}
