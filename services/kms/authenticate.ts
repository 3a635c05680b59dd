/**
 * Who sent a request: SigV4 against the secret of a user or of the broker.
 *
 * The broker's credential may speak for a publisher, by a header that it must have signed. From
 * anybody else that header is an attempt to be somebody else, and unsigned it may have been added on
 * the way; both are refused rather than ignored.
 */

import { createHash } from 'node:crypto'
import type { Clock } from '#shared/clock'
import type { Principals } from '#shared/principals'
import type { BrokerCredential } from '#shared/secrets'
import {
  createSignatureVerifier,
  type HttpRequestParts,
  MissingAuthenticationTokenError,
  type ParsedSignature,
  parseSignature,
} from '#shared/sigv4'
import { AccessDeniedError, UnrecognizedClientError, ValidationError } from './errors.ts'

export interface Identity {
  readonly kind: 'user' | 'broker'
  /** ARN of who signed. */
  readonly arn: string
  readonly account: string
  readonly accessKeyId?: string
  /** From the credential scope. */
  readonly region: string
  /** The publisher for whom the broker asks. */
  readonly onBehalfOf: { readonly arn: string; readonly account: string } | undefined
}

export type Authenticate = (request: Omit<HttpRequestParts, 'bodyHash'> & { body: Uint8Array }) => Identity

export const ON_BEHALF_OF_HEADER = 'x-sealcast-on-behalf-of'

/** Users, roles and the root of an account; the group is the account. IAM's characters for names and paths. */
const PRINCIPAL_ARN = /^arn:aws:iam::(\d{12}):(?:root|(?:user|role)\/[\w+=,.@/-]{1,640})$/

/** @param o.account the broker's own account */
export function createAuthenticate(o: {
  principals: Pick<Principals, 'findByAccessKey'>
  broker: BrokerCredential
  account: string
  clock: Clock
}): Authenticate {
  const verifier = createSignatureVerifier()
  const brokerArn = `arn:aws:iam::${o.account}:role/sealcast-broker`

  const find = (accessKeyId: string) => {
    if (accessKeyId === o.broker.accessKeyId) {
      const { secretAccessKey } = o.broker
      return { kind: 'broker', arn: brokerArn, account: o.account, secretAccessKey } as const
    }
    const signer = o.principals.findByAccessKey(accessKeyId)
    if (signer === undefined) return undefined
    const { arn, account } = signer.principal
    return { kind: 'user', arn, account, secretAccessKey: signer.secretAccessKey } as const
  }

  return ({ body, ...parts }) => {
    const parsed = parseSignature({ ...parts, bodyHash: '' })
    // A presigned query has no place in a protocol that is POST only.
    if (parsed === undefined || parsed.via === 'query') throw new MissingAuthenticationTokenError()
    const signer = find(parsed.accessKeyId)
    // Nobody here has temporary credentials, so nobody can have been given a token.
    if (signer === undefined || parsed.sessionToken !== undefined) throw new UnrecognizedClientError()
    const request = { ...parts, bodyHash: createHash('sha256').update(body).digest('hex') }
    const { secretAccessKey, kind, arn, account } = signer
    verifier.verify(parsed, { request, secretAccessKey, service: 'kms', now: o.clock.now() })
    const onBehalfOf = readOnBehalfOf(request.headers[ON_BEHALF_OF_HEADER], parsed, { kind, arn })
    return { kind, arn, account, accessKeyId: parsed.accessKeyId, region: parsed.region, onBehalfOf }
  }
}

function readOnBehalfOf(
  header: string | readonly string[] | undefined,
  { signedHeaders }: ParsedSignature,
  signer: { kind: Identity['kind']; arn: string },
): Identity['onBehalfOf'] {
  if (header === undefined) return undefined
  if (signer.kind !== 'broker' || !signedHeaders.includes(ON_BEHALF_OF_HEADER)) {
    throw new AccessDeniedError(`User: ${signer.arn} is not authorized to act on behalf of another principal`)
  }
  // A repeated header reaches us joined by a comma and a blank, which no principal's ARN contains.
  const account = typeof header === 'string' ? PRINCIPAL_ARN.exec(header)?.[1] : undefined
  if (typeof header !== 'string' || account === undefined) {
    throw new ValidationError(`The header ${ON_BEHALF_OF_HEADER} does not name a principal.`)
  }
  return { arn: header, account }
}
