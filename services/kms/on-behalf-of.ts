/**
 * For whom the broker asks: headers that it must have signed.
 *
 * | header | holds |
 * |---|---|
 * | `x-sealcast-on-behalf-of` | ARN of the publisher, of a session its role's; or the name of a service |
 * | `x-sealcast-session-policy` | what a session may do at most: the document in base64 |
 * | `x-sealcast-source-arn`, `x-sealcast-source-account` | for whom a service acts |
 * | `x-sealcast-purpose` | why: `deliver`, `reopen` and `probe` are about messages that were accepted |
 *
 * From anybody else they are an attempt to be somebody else, and unsigned they may have been added on the way; both are
 * refused rather than ignored.
 */

import { type CompiledPolicy, compilePolicy } from '#shared/policy'
import type { ParsedSignature } from '#shared/sigv4'
import { AccessDeniedError, ValidationError } from './errors.ts'

export interface OnBehalfOf {
  /** ARN, or the name of a service. */
  readonly arn: string
  /** `aws` for a service. */
  readonly account: string
  readonly kind: 'user' | 'root' | 'role-session' | 'service'
  readonly sessionPolicy?: CompiledPolicy | undefined
  readonly sourceArn?: string | undefined
  readonly sourceAccount?: string | undefined
  readonly purpose?: string | undefined
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

export const ON_BEHALF_OF_HEADER = 'x-sealcast-on-behalf-of'
const SESSION_POLICY_HEADER = 'x-sealcast-session-policy'
const SOURCE_ARN_HEADER = 'x-sealcast-source-arn'
const SOURCE_ACCOUNT_HEADER = 'x-sealcast-source-account'
const PURPOSE_HEADER = 'x-sealcast-purpose'
const ALL = [ON_BEHALF_OF_HEADER, SESSION_POLICY_HEADER, SOURCE_ARN_HEADER, SOURCE_ACCOUNT_HEADER, PURPOSE_HEADER]

/** Users, roles and the root of an account. IAM's characters for names and paths. */
const PRINCIPAL_ARN = /^arn:aws:iam::(?<account>\d{12}):(?:(?<root>root)|(?<kind>user|role)\/[\w+=,.@/-]{1,640})$/
const SERVICE = /^[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,4}\.amazonaws\.com$/
const SOURCE_ARN = /^arn:[!-~]{1,1600}$/

/**
 * @param signer who signed the request
 * @throws {AccessDeniedError} when the headers are not the broker's, or not signed
 * @throws {ValidationError} when they name nobody
 */
export function readOnBehalfOf(
  headers: Headers,
  { signedHeaders }: Pick<ParsedSignature, 'signedHeaders'>,
  signer: { readonly kind: 'user' | 'broker'; readonly arn: string },
): OnBehalfOf | undefined {
  const sent = ALL.filter((name) => headers[name] !== undefined)
  if (sent.length === 0) return undefined
  if (signer.kind !== 'broker' || !sent.every((name) => signedHeaders.includes(name))) {
    throw new AccessDeniedError(`User: ${signer.arn} is not authorized to act on behalf of another principal`)
  }
  // The purpose alone is about what the broker does for itself.
  if (headers[ON_BEHALF_OF_HEADER] === undefined && sent.every((name) => name === PURPOSE_HEADER)) return undefined
  const principal = read(headers, ON_BEHALF_OF_HEADER, principalOf)
  if (principal === undefined) throw unreadable(ON_BEHALF_OF_HEADER)
  return {
    ...principal,
    sessionPolicy: read(headers, SESSION_POLICY_HEADER, sessionPolicyOf),
    sourceArn: read(headers, SOURCE_ARN_HEADER, (text) => (SOURCE_ARN.test(text) ? text : undefined)),
    sourceAccount: read(headers, SOURCE_ACCOUNT_HEADER, (text) => (/^\d{12}$/.test(text) ? text : undefined)),
    purpose: read(headers, PURPOSE_HEADER, (text) => (/^[a-z-]{1,32}$/.test(text) ? text : undefined)),
  }
}

/** @throws {ValidationError} a repeated header among them: it reaches us joined by a comma and a blank */
function read<T>(headers: Headers, name: string, parse: (text: string) => T | undefined): T | undefined {
  const text = headers[name]
  if (text === undefined) return undefined
  const parsed = typeof text === 'string' ? parse(text) : undefined
  if (parsed === undefined) throw unreadable(name)
  return parsed
}

function unreadable(name: string): ValidationError {
  return new ValidationError(
    name === ON_BEHALF_OF_HEADER
      ? `The header ${name} does not name a principal.`
      : `The header ${name} is not what the broker sends.`,
  )
}

function principalOf(text: string): Pick<OnBehalfOf, 'arn' | 'account' | 'kind'> | undefined {
  if (SERVICE.test(text)) return { arn: text, account: 'aws', kind: 'service' }
  const { account, root, kind } = PRINCIPAL_ARN.exec(text)?.groups ?? {}
  if (account === undefined) return undefined
  return { arn: text, account, kind: root ? 'root' : kind === 'role' ? 'role-session' : 'user' }
}

function sessionPolicyOf(text: string): CompiledPolicy | undefined {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) return undefined
  try {
    return compilePolicy(new TextDecoder('utf-8', { fatal: true }).decode(bytes), { kind: 'identity' })
  } catch {
    return undefined
  }
}
