/**
 * SigV4 → caller. The secret comes from the principals file; the region is that of the credential
 * scope, which `SEALCAST_REGIONS` can narrow.
 */

import { hash } from 'node:crypto'
import type { Clock } from '#shared/clock'
import type { Principals } from '#shared/principals'
import {
  createSignatureVerifier,
  type HttpRequestParts,
  InvalidClientTokenIdError,
  parseSignature,
  SignatureDoesNotMatchError,
} from '#shared/sigv4'
import type { Caller } from './caller.ts'
import { actingFor, readSource } from './read-source.ts'

export interface SignedParts {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: HttpRequestParts['headers']
  readonly body: Uint8Array
  readonly secure: boolean
  readonly remoteAddress: string
}

/** Returns the caller, or undefined when the request carries no signature at all. */
export type Authenticate = (request: SignedParts, service: string) => Caller | undefined

/**
 * The returned function throws the sigv4 folder's errors, with AWS's wording: an incomplete header,
 * an unknown access key, a clock off by more than 15 minutes, a wrong scope, a wrong signature; and SNS's for
 * a service that says nonsense of its source.
 */
export function createAuthenticate(o: {
  principals: Pick<Principals, 'findByAccessKey'>
  clock: Clock
  regions: readonly string[]
}): Authenticate {
  const verifier = createSignatureVerifier()
  const regions = o.regions.length > 0 ? { regions: o.regions } : {}
  return (request, service) => {
    const parts: HttpRequestParts = {
      method: request.method,
      path: request.path,
      query: request.query,
      headers: request.headers,
      bodyHash: hash('sha256', request.body, 'hex'),
    }
    const parsed = parseSignature(parts)
    if (parsed === undefined) return undefined
    const signer = o.principals.findByAccessKey(parsed.accessKeyId)
    // No session tokens are issued yet, so any that comes along is not one of ours.
    if (signer === undefined || parsed.sessionToken !== undefined) throw new InvalidClientTokenIdError()
    verifier.verify(parsed, {
      request: parts,
      secretAccessKey: signer.secretAccessKey,
      service,
      now: o.clock.now(),
      ...regions,
    })
    if (!isNameable(parsed.region)) {
      throw new SignatureDoesNotMatchError('Credential should be scoped to a valid region. ')
    }
    const userAgent = request.headers['user-agent']
    const source = readSource(signer.principal, parts.headers)
    return {
      principal: actingFor(signer.principal, source),
      region: parsed.region,
      accessKeyId: parsed.accessKeyId,
      sourceIp: request.remoteAddress,
      secure: request.secure,
      ...(typeof userAgent === 'string' ? { userAgent } : {}),
      ...(source === undefined ? {} : { source }),
    }
  }
}

/** Characters of a region in an ARN that names a topic here. */
const REGION_LENGTH = 32

/**
 * Whether topics of that region can be named, and keys for them asked for: SDKs take `fips-x` for
 * another spelling of the region x when they sign, so that KMS would look for its keys elsewhere.
 */
function isNameable(region: string): boolean {
  return region.length <= REGION_LENGTH && !/^fips-|-fips$/.test(region)
}
