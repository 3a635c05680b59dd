/** What the signing key signs. Rules: AWS, "Create a signed AWS API request", steps 2 and 3. */

import { hash } from 'node:crypto'
import { ALGORITHM, type ParsedSignature } from './parse-signature.ts'

export const TERMINATOR = 'aws4_request'

export type Scope = Pick<ParsedSignature, 'scopeDate' | 'region' | 'service'>

export function stringToSign(o: { amzDate: string; scope: Scope; canonicalRequest: string }): string {
  const hashed = hash('sha256', o.canonicalRequest, 'hex')
  return `${ALGORITHM}\n${o.amzDate}\n${credentialScope(o.scope)}\n${hashed}`
}

export function credentialScope(scope: Scope): string {
  return `${scope.scopeDate}/${scope.region}/${scope.service}/${TERMINATOR}`
}
