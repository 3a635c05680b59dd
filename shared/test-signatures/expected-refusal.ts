/**
 * What AWS's rules say of a request, whatever its history: the refusal, or none.
 *
 * Written from the rules and not from the verifier, in their order: form, token, time, scope, what must be signed, the
 * signature itself. The last is the SDK's answer for the request as it stands, so that nobody has to say of a
 * mutation whether it matters.
 */

import { ALGORITHM, type Signer, signatureOf } from './oracle.ts'
import { bodyHashOf, isDecodable, readParameters, valuesOf, type WireRequest } from './wire-request.ts'

/** SNS's names; the KMS has others for the same. */
export type Refusal =
  | 'MissingAuthenticationToken'
  | 'IncompleteSignature'
  | 'InvalidClientTokenId'
  | 'SignatureDoesNotMatch'
  | 'RequestExpired'

export interface World {
  readonly signers: readonly Signer[]
  readonly service: string
  /** Epoch milliseconds. */
  readonly now: number
}

interface Claims {
  readonly accessKeyId: string
  readonly scope: readonly string[]
  readonly signedHeaders: readonly string[]
  readonly signature: string
  readonly amzDate: string
  readonly sessionToken: string | undefined
  readonly expiresSeconds: number | undefined
}

const MAX_SKEW_MS = 15 * 60_000
const MAX_EXPIRES_SECONDS = 7 * 24 * 3600
const QUERY_MARKS = ['X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-SignedHeaders', 'X-Amz-Signature']

/** @returns undefined when the request has to be accepted */
export async function expectedRefusal(wire: WireRequest, world: World): Promise<Refusal | undefined> {
  const claims = claimsOf(wire)
  if (claims === 'none') return 'MissingAuthenticationToken'
  if (claims === 'malformed') return 'IncompleteSignature'
  const signer = world.signers.find(({ accessKeyId }) => accessKeyId === claims.accessKeyId)
  if (signer === undefined || signer.sessionToken !== claims.sessionToken) return 'InvalidClientTokenId'
  return (
    lateOrEarly(claims, world.now) ??
    (isInScope(claims, world.service) && coversEnough(wire, claims) ? undefined : 'SignatureDoesNotMatch') ??
    ((await signatureOf(wire, signer.secretAccessKey)) === claims.signature ? undefined : 'SignatureDoesNotMatch')
  )
}

function claimsOf(wire: WireRequest): Claims | 'none' | 'malformed' {
  const authorization = valuesOf(wire, 'authorization')
  const parameters = readParameters(wire.query)
  const isInQuery = parameters.some(([name]) => QUERY_MARKS.includes(name))
  if (authorization.length === 0) return isInQuery ? claimsOfQuery(wire, parameters) : 'none'
  return isInQuery || authorization.length > 1 ? 'malformed' : claimsOfHeader(wire, String(authorization[0]))
}

function claimsOfHeader(wire: WireRequest, authorization: string): Claims | 'malformed' {
  const [algorithm, ...rest] = authorization.split(' ')
  const parts = rest
    .join(' ')
    .split(',')
    .map((part) => part.trim())
  const find = (name: string) => parts.find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1)
  const dates = valuesOf(wire, 'x-amz-date').length > 0 ? valuesOf(wire, 'x-amz-date') : valuesOf(wire, 'date')
  // Three known names in three parts: each is there once, and nothing else is.
  if (algorithm !== ALGORITHM || parts.length !== 3 || dates.length !== 1) return 'malformed'
  return claimsOfParts({
    credential: find('Credential'),
    signedHeaders: find('SignedHeaders'),
    signature: find('Signature'),
    amzDate: dates[0],
    sessionToken: valuesOf(wire, 'x-amz-security-token')[0],
    expires: undefined,
  })
}

function claimsOfQuery(wire: WireRequest, parameters: readonly (readonly [string, string])[]): Claims | 'malformed' {
  const valuesIn = (name: string) => parameters.filter(([given]) => given === name).map(([, value]) => value)
  const once = (name: string) => (valuesIn(name).length === 1 ? valuesIn(name)[0] : undefined)
  if (once('X-Amz-Algorithm') !== ALGORITHM) return 'malformed'
  if (parameters.some(([name, value]) => name.startsWith('X-Amz-') && isNoUtf8(value))) return 'malformed'
  for (const name of ['X-Amz-Expires', 'X-Amz-Security-Token']) if (valuesIn(name).length > 1) return 'malformed'
  return claimsOfParts({
    credential: once('X-Amz-Credential'),
    signedHeaders: once('X-Amz-SignedHeaders'),
    signature: once('X-Amz-Signature'),
    amzDate: once('X-Amz-Date'),
    sessionToken: once('X-Amz-Security-Token') ?? valuesOf(wire, 'x-amz-security-token')[0],
    expires: once('X-Amz-Expires'),
  })
}

/** Of values that could not be decoded; an escape cut short is no escape, and stands for itself. */
function isNoUtf8(value: string): boolean {
  return !isDecodable(value) && !/%(?![0-9a-f]{2})/i.test(value)
}

function claimsOfParts(o: {
  credential: string | undefined
  signedHeaders: string | undefined
  signature: string | undefined
  amzDate: string | undefined
  sessionToken: string | undefined
  expires: string | undefined
}): Claims | 'malformed' {
  const { credential, signedHeaders, signature, amzDate, sessionToken, expires } = o
  if (!credential || !signedHeaders || !signature || !amzDate || Number.isNaN(epochOf(amzDate))) return 'malformed'
  const [accessKeyId = '', ...scope] = credential.split('/')
  if (!/^[\x21-\x2e\x30-\x7e]+(\/[\x21-\x2e\x30-\x7e]+){4}$/.test(credential)) return 'malformed'
  const expiresSeconds = expires === undefined ? undefined : Number(expires)
  if (expires !== undefined && !/^\d+$/.test(expires)) return 'malformed'
  if (expiresSeconds !== undefined && (expiresSeconds < 1 || expiresSeconds > MAX_EXPIRES_SECONDS)) return 'malformed'
  return {
    accessKeyId,
    scope,
    signedHeaders: signedHeaders.split(';'),
    signature,
    amzDate,
    sessionToken,
    expiresSeconds,
  }
}

/** Dates that are none, 30 February for one, do not come back as they went in. */
function epochOf(amzDate: string): number {
  const extended = amzDate.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6.000Z')
  const at = extended === amzDate ? Number.NaN : Date.parse(extended)
  return Number.isNaN(at) || new Date(at).toISOString() !== extended ? Number.NaN : at
}

function lateOrEarly({ amzDate, expiresSeconds }: Claims, now: number): Refusal | undefined {
  const age = now - epochOf(amzDate)
  if (age < -MAX_SKEW_MS) return 'SignatureDoesNotMatch'
  if (expiresSeconds !== undefined) return age > expiresSeconds * 1000 ? 'RequestExpired' : undefined
  return age > MAX_SKEW_MS ? 'SignatureDoesNotMatch' : undefined
}

function isInScope({ scope, amzDate }: Claims, expected: string): boolean {
  const [day = '', region = '', service, terminator] = scope
  const isRegion = /^[a-z0-9]+(-[a-z0-9]+)*$/.test(region)
  return day === amzDate.slice(0, 8) && isRegion && service === expected && terminator === 'aws4_request'
}

/** Names of signed headers small, sorted, single; host and what is AWS's own among them; the body that was sent. */
function coversEnough(wire: WireRequest, { signedHeaders }: Claims): boolean {
  const isCanonical =
    signedHeaders.join(';') === [...new Set(signedHeaders)].sort().join(';') &&
    signedHeaders.every((name) => name !== '' && name === name.toLowerCase())
  const ofAws = wire.headers
    .map(([name]) => name.toLowerCase())
    .filter((name) => name.startsWith('x-amz-') && name !== 'x-amz-user-agent' && name !== 'x-amz-cf-id')
  const claimed = valuesOf(wire, 'x-amz-content-sha256')
  return (
    isCanonical &&
    ['host', ...ofAws].every((name) => signedHeaders.includes(name)) &&
    (claimed.length === 0 || claimed.join() === bodyHashOf(wire.body))
  )
}
