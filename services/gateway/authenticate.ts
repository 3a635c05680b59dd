/**
 * SigV4 → caller. The secret comes from the principals file or, of a role session, out of its token; the
 * region is that of the credential scope, which `SEALCAST_REGIONS` can narrow.
 */

import { hash } from 'node:crypto'
import type { Clock } from '#shared/clock'
import {
  createSignatureVerifier,
  type HttpRequestParts,
  InvalidClientTokenIdError,
  parseSignature,
  SignatureDoesNotMatchError,
} from '#shared/sigv4'
import type { FindSigner } from '#shared/sts'
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
 * an unknown access key, a session that is over, a clock off by more than 15 minutes, a wrong scope, a wrong
 * signature; and SNS's for a service that says nonsense of its source.
 */
export function createAuthenticate(o: {
  findSigner: FindSigner
  clock: Clock
  regions: readonly string[]
}): Authenticate {
  const verifier = createSignatureVerifier()
  const regionsOf = (service: string) => {
    if (o.regions.length === 0) return {}
    return { regions: service === 'sts' ? [...o.regions, STS_REGION] : o.regions }
  }
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
    const signer = o.findSigner(parsed.accessKeyId, parsed.sessionToken)
    if (signer === undefined) throw new InvalidClientTokenIdError()
    verifier.verify(parsed, {
      request: parts,
      secretAccessKey: signer.secretAccessKey,
      service,
      now: o.clock.now(),
      ...regionsOf(service),
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
      ...(signer.session === undefined ? {} : { session: signer.session }),
      ...(typeof userAgent === 'string' ? { userAgent: userAgent.slice(0, USER_AGENT_CHARACTERS) } : {}),
      ...(source === undefined ? {} : { source }),
    }
  }
}

/** What conditions see of it. A policy of 30 KB full of wildcards takes 1.5 s over 60 KB of text that its caller chose, and 14 ms over this. */
const USER_AGENT_CHARACTERS = 512

/** SDKs sign for STS's global endpoint with this region, whichever they use otherwise. */
const STS_REGION = 'us-east-1'

/** Characters of a region in an ARN that names a topic here. */
const REGION_LENGTH = 32

/**
 * Whether topics of that region can be named, and keys for them asked for: SDKs take `fips-x` for
 * another spelling of the region x when they sign, so that KMS would look for its keys elsewhere.
 */
function isNameable(region: string): boolean {
  return region.length <= REGION_LENGTH && !/^fips-|-fips$/.test(region)
}
