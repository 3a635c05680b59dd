/**
 * Signs a request as the AWS SDKs do, for tests and for tools of this project. The broker itself calls
 * KMS through the SDK.
 *
 * Signs every header but those that proxies and HTTP clients change on the way.
 */

import { createHmac, hash } from 'node:crypto'
import { formatAmzDate } from './amz-date.ts'
import { canonicalRequest } from './canonical-request.ts'
import { ALGORITHM } from './parse-signature.ts'
import { deriveSigningKey } from './signing-key.ts'
import { credentialScope, stringToSign } from './string-to-sign.ts'

export interface RequestToSign {
  method: string
  /** As it will be sent, percent-encoded. */
  path: string
  /** As it will be sent, without the `?`. */
  query?: string
  /** With `host`, as it will be sent. */
  headers: Readonly<Record<string, string>>
  body?: string | Uint8Array
}

/**
 * @param o.now epoch milliseconds
 * @returns the headers to send: the given ones in lower case, `x-amz-date`, `x-amz-content-sha256`,
 *   `x-amz-security-token` for session credentials, and `authorization`
 */
export function signRequest(
  request: RequestToSign,
  o: {
    accessKeyId: string
    secretAccessKey: string
    sessionToken?: string
    region: string
    service: string
    now: number
  },
): Record<string, string> {
  const amzDate = formatAmzDate(o.now)
  const bodyHash = hash('sha256', request.body ?? '', 'hex')
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) headers[name.toLowerCase()] = value
  delete headers.date
  delete headers.authorization
  headers['x-amz-date'] = amzDate
  headers['x-amz-content-sha256'] = bodyHash
  if (o.sessionToken !== undefined) headers['x-amz-security-token'] = o.sessionToken

  const signedHeaders = Object.keys(headers)
    .filter((name) => !isChangedOnTheWay(name))
    .sort()
  const { method, path, query = '' } = request
  const canonical = canonicalRequest({ method, path, query, headers, bodyHash }, signedHeaders) ?? ''
  const scope = { scopeDate: amzDate.slice(0, 8), region: o.region, service: o.service }
  const signature = createHmac('sha256', deriveSigningKey(o.secretAccessKey, scope))
    .update(stringToSign({ amzDate, scope, canonicalRequest: canonical }))
    .digest('hex')
  headers.authorization =
    `${ALGORITHM} Credential=${o.accessKeyId}/${credentialScope(scope)}, ` +
    `SignedHeaders=${signedHeaders.join(';')}, Signature=${signature}`
  return headers
}

/** The list the JavaScript SDK leaves unsigned. */
const CHANGED_ON_THE_WAY: ReadonlySet<string> = new Set([
  'cache-control',
  'connection',
  'expect',
  'from',
  'keep-alive',
  'max-forwards',
  'pragma',
  'referer',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
  'x-amzn-trace-id',
])

function isChangedOnTheWay(name: string): boolean {
  return CHANGED_ON_THE_WAY.has(name) || name.startsWith('proxy-') || name.startsWith('sec-')
}
