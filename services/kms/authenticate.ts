/**
 * Who sent a request: SigV4 against the secret of a user, of a role session, or of the broker.
 *
 * The broker's credential may speak for a publisher: on-behalf-of.ts.
 */

import { createHash } from 'node:crypto'
import type { Clock } from '#shared/clock'
import type { Principal } from '#shared/principals'
import type { BrokerCredential } from '#shared/secrets'
import {
  createSignatureVerifier,
  type HttpRequestParts,
  MissingAuthenticationTokenError,
  type ParsedSignature,
  parseSignature,
} from '#shared/sigv4'
import type { FindSigner } from '#shared/sts'
import { UnrecognizedClientError } from './errors.ts'
import { type OnBehalfOf, readOnBehalfOf } from './on-behalf-of.ts'

export interface Identity {
  readonly kind: 'user' | 'broker'
  /** ARN of who signed. */
  readonly arn: string
  readonly account: string
  readonly accessKeyId?: string
  /** From the credential scope. */
  readonly region: string
  /** The publisher for whom the broker asks. */
  readonly onBehalfOf: OnBehalfOf | undefined
  /** Of a user's request: whose it is. */
  readonly principal?: Principal
}

export type Authenticate = (request: Omit<HttpRequestParts, 'bodyHash'> & { body: Uint8Array }) => Identity

/** @param o.account the broker's own account */
export function createAuthenticate(o: {
  findSigner: FindSigner
  broker: BrokerCredential
  account: string
  clock: Clock
}): Authenticate {
  const verifier = createSignatureVerifier()
  const brokerArn = `arn:aws:iam::${o.account}:role/sealcast-broker`

  const find = ({ accessKeyId, sessionToken }: ParsedSignature) => {
    if (accessKeyId === o.broker.accessKeyId && sessionToken === undefined) {
      const { secretAccessKey } = o.broker
      return { kind: 'broker', arn: brokerArn, account: o.account, secretAccessKey } as const
    }
    const signer = o.findSigner(accessKeyId, sessionToken)
    if (signer === undefined) return undefined
    const { arn, account } = signer.principal
    return { kind: 'user', arn, account, ...signer } as const
  }

  return ({ body, ...parts }) => {
    const parsed = parseSignature({ ...parts, bodyHash: '' })
    // A presigned query has no place in a protocol that is POST only.
    if (parsed === undefined || parsed.via === 'query') throw new MissingAuthenticationTokenError()
    const signer = find(parsed)
    if (signer === undefined) throw new UnrecognizedClientError()
    const request = { ...parts, bodyHash: createHash('sha256').update(body).digest('hex') }
    const { secretAccessKey, kind, arn, account } = signer
    const principal = 'principal' in signer ? { principal: signer.principal } : {}
    verifier.verify(parsed, { request, secretAccessKey, service: 'kms', now: o.clock.now() })
    const onBehalfOf = readOnBehalfOf(request.headers, parsed, { kind, arn })
    return { kind, arn, account, accessKeyId: parsed.accessKeyId, region: parsed.region, onBehalfOf, ...principal }
  }
}
