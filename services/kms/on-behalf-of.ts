/**
 * For whom the broker asks: headers that it must have signed.
 *
 * | header | holds |
 * |---|---|
 * | `x-sealcast-on-behalf-of` | ARN of the publisher, of a session its role's; or the name of a service |
 * | `x-sealcast-session-policy` | what a session may do at most: the document in base64 |
 * | `x-sealcast-session-tags` | a session's own tags, beside its role's: a JSON object in base64 |
 * | `x-sealcast-source-identity` | who is behind a session |
 * | `x-sealcast-source-arn`, `x-sealcast-source-account` | for whom a service acts |
 * | `x-sealcast-purpose` | why: `deliver`, `reopen` and `probe` are about messages that were accepted |
 *
 * The name of a session is not among them: sessions of a role share its data keys, so what one was allowed by its name others
 * would use. From anybody else they are an attempt to be somebody else, and unsigned they may have been added on the way; both are
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
  readonly sessionTags?: Readonly<Record<string, string>> | undefined
  readonly sourceIdentity?: string | undefined
  readonly sourceArn?: string | undefined
  readonly sourceAccount?: string | undefined
  readonly purpose?: string | undefined
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

export const ON_BEHALF_OF_HEADER = 'x-sealcast-on-behalf-of'
const SESSION_POLICY_HEADER = 'x-sealcast-session-policy'
const SESSION_TAGS_HEADER = 'x-sealcast-session-tags'
const SOURCE_IDENTITY_HEADER = 'x-sealcast-source-identity'
const SOURCE_ARN_HEADER = 'x-sealcast-source-arn'
const SOURCE_ACCOUNT_HEADER = 'x-sealcast-source-account'
const PURPOSE_HEADER = 'x-sealcast-purpose'
/** Those of a session alone. */
const OF_SESSIONS = [SESSION_POLICY_HEADER, SESSION_TAGS_HEADER, SOURCE_IDENTITY_HEADER]
const ALL = [ON_BEHALF_OF_HEADER, ...OF_SESSIONS, SOURCE_ARN_HEADER, SOURCE_ACCOUNT_HEADER, PURPOSE_HEADER]

/** Users, roles and the root of an account. IAM's characters for names and paths. */
const PRINCIPAL_ARN = /^arn:aws:iam::(?<account>\d{12}):(?:(?<root>root)|(?<kind>user|role)\/[\w+=,.@/-]{1,640})$/
const SERVICE = /^[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,4}\.amazonaws\.com$/
/** STS API Reference, AssumeRole: `SourceIdentity`, and what a tag may be. */
const SOURCE_IDENTITY = /^[\w+=,.@-]{2,64}$/
const MAX_TAGS = 50
const TAG_KEY = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u
const TAG_VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u
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
  const misplaced = principal.kind === 'role-session' ? undefined : OF_SESSIONS.find((name) => sent.includes(name))
  if (misplaced !== undefined) throw unreadable(misplaced)
  return {
    ...principal,
    sessionPolicy: read(headers, SESSION_POLICY_HEADER, sessionPolicyOf),
    sessionTags: read(headers, SESSION_TAGS_HEADER, sessionTagsOf),
    sourceIdentity: read(headers, SOURCE_IDENTITY_HEADER, (text) => (SOURCE_IDENTITY.test(text) ? text : undefined)),
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
  try {
    return compilePolicy(fromBase64(text), { kind: 'identity' })
  } catch {
    return undefined
  }
}

function sessionTagsOf(text: string): Readonly<Record<string, string>> | undefined {
  try {
    const tags: unknown = JSON.parse(fromBase64(text))
    if (typeof tags !== 'object' || tags === null || Array.isArray(tags)) return undefined
    const entries: [string, unknown][] = Object.entries(tags)
    const keys = new Set(entries.map(([key]) => key.toLowerCase()))
    // Two that differ in case alone would be one condition key of two values.
    if (entries.length > MAX_TAGS || keys.size < entries.length) return undefined
    return entries.every(isTag) ? Object.fromEntries(entries) : undefined
  } catch {
    return undefined
  }
}

function isTag(entry: [string, unknown]): entry is [string, string] {
  const [key, value] = entry
  return TAG_KEY.test(key) && typeof value === 'string' && TAG_VALUE.test(value)
}

/** @throws {TypeError} for another form than the canonical one, or what is no UTF-8 */
function fromBase64(text: string): string {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw new TypeError('Cannot read base64: it is not in its canonical form')
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
}
