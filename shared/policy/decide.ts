/**
 * Whether a request is allowed, and which statement says so. Pure: what it needs is in the request and the policies.
 *
 * In every case an explicit Deny comes first, wherever it stands, and what no statement allows is refused.
 *
 * Rules: IAM User Guide, "Policy evaluation logic"; for keys KMS Developer Guide, "Determining access to keys".
 */

import type { AccessRequest } from './access-request.ts'
import type { CompiledPolicy, PrincipalMatch, Statement } from './compiled-policy.ts'

/** What allowed or denied: `root` is an account's root, which needs no policy, and `grant` a key's grant. */
export interface DecidingStatement {
  readonly source: 'identity' | 'resource' | 'session' | 'grant' | 'root'
  /** Of an identity policy its name, of a grant its id. */
  readonly policy?: string
  readonly sid?: string
  /** The statement's place in its document, from 0; 0 where there is no document. */
  readonly index: number
}

export type Lacking = 'identity' | 'resource' | 'session'

export type Decision =
  | {
      readonly allowed: true
      readonly by: DecidingStatement
      /** Where both sides must allow: the statement of the resource's policy that `by` needed as well. */
      readonly through?: DecidingStatement
    }
  | {
      readonly allowed: false
      readonly reason: 'explicit-deny' | 'no-identity-allow' | 'no-resource-allow' | 'no-session-allow'
      /** The statement that denies. */
      readonly by?: DecidingStatement
      /** Policies that would each have to allow it as well; empty for an explicit deny. */
      readonly lacks: readonly Lacking[]
    }

/** A grant that allows this operation on this key, its constraints met. */
export interface GrantInForce {
  readonly id: string
}

/**
 * Decides as SNS, SQS and most services do: in the resource's own account one of identity policies and resource policy is
 * enough, from another account both must allow. For a service the resource policy alone counts.
 */
export function decideByUnion(request: AccessRequest, resourcePolicy?: CompiledPolicy): Decision {
  const found = findAllows(request, resourcePolicy)
  if ('allowed' in found) return found
  const { identity, session, resource } = found
  if (request.subject.kind === 'service') return byResourceAlone(resource)
  if (request.subject.account !== request.resourceAccount) return byBoth(found)
  if (identity !== undefined && session) return { allowed: true, by: identity }
  if (resource !== undefined && isEnough(resource, found, request)) return { allowed: true, by: resource.by }
  const lacks: Lacking[] = []
  if (identity === undefined && resource?.match !== 'principal') lacks.push('identity')
  if (!session) lacks.push('session')
  return refuse(...lacks)
}

/**
 * Decides as KMS does by a key policy and STS by a role's trust policy: without that policy nothing is allowed. It names the
 * caller, or it names the caller's account and leaves the rest to identity policies. A grant stands for either.
 */
export function decideByResourcePolicy(
  request: AccessRequest,
  resourcePolicy: CompiledPolicy,
  grant?: GrantInForce,
): Decision {
  const found = findAllows(request, resourcePolicy)
  if ('allowed' in found) return found
  const { resource, session } = found
  if (grant !== undefined)
    return session ? { allowed: true, by: { source: 'grant', policy: grant.id, index: 0 } } : refuse('session')
  if (request.subject.kind === 'service') return byResourceAlone(resource)
  if (request.subject.account !== request.resourceAccount) return byBoth(found)
  if (resource === undefined) return session ? refuse('resource') : refuse('resource', 'session')
  if (isEnough(resource, found, request)) return { allowed: true, by: resource.by }
  if (resource.match === 'account') return byBoth(found)
  return refuse('session')
}

/** What was found, no statement having denied. */
interface Allows {
  readonly identity: DecidingStatement | undefined
  /** Whether the session policy allows; true without one. */
  readonly session: boolean
  readonly resource: ResourceAllow | undefined
}

interface ResourceAllow {
  readonly by: DecidingStatement
  readonly match: PrincipalMatch
}

/** Allows and denials in one pass: of several denials the first is named, identity policies before the resource's. */
function findAllows(request: AccessRequest, resourcePolicy: CompiledPolicy | undefined): Allows | Decision {
  const { subject } = request
  const action = request.action.toLowerCase()
  let identity: DecidingStatement | undefined = subject.kind === 'root' ? { source: 'root', index: 0 } : undefined
  for (const { name, policy } of subject.policies) {
    for (const statement of policy.statements) {
      if (statement.effect === 'Allow' && identity !== undefined) continue
      if (matchStatement(statement, action, request) === undefined) continue
      const by = nameStatement('identity', statement, name)
      if (statement.effect === 'Deny') return deny(by)
      identity = by
    }
  }
  let session = subject.sessionPolicy === undefined
  for (const statement of subject.sessionPolicy?.statements ?? []) {
    if (matchStatement(statement, action, request) === undefined) continue
    if (statement.effect === 'Deny') return deny(nameStatement('session', statement))
    session = true
  }
  let resource: ResourceAllow | undefined
  for (const statement of resourcePolicy?.statements ?? []) {
    const match = matchStatement(statement, action, request)
    if (match === undefined) continue
    if (statement.effect === 'Deny') return deny(nameStatement('resource', statement))
    if (isCloser(match, resource?.match)) resource = { by: nameStatement('resource', statement), match }
  }
  return { identity, session, resource }
}

/** @returns how the statement names the caller, or undefined when it does not apply to the request */
function matchStatement(statement: Statement, action: string, request: AccessRequest): PrincipalMatch | undefined {
  const { resource, context } = request
  if (!statement.matchesAction(action) || !statement.matchesResource(resource, context)) return undefined
  const match = statement.matchPrincipal(request.subject)
  return match !== undefined && statement.matchesConditions(context) ? match : undefined
}

const CLOSENESS: Readonly<Record<PrincipalMatch, number>> = { account: 1, principal: 2, session: 3 }

function isCloser(match: PrincipalMatch, than: PrincipalMatch | undefined): boolean {
  return than === undefined || CLOSENESS[match] > CLOSENESS[than]
}

/**
 * Whether the resource policy alone allows a caller of its own account. One that names only the account leaves it to identity
 * policies, unless the caller is the account's root. What names the session's own ARN is given to the session as it is; what
 * names its role is the role's, which the session policy narrows.
 */
function isEnough({ match }: ResourceAllow, { session }: Allows, { subject }: AccessRequest): boolean {
  if (match === 'session') return true
  return session && (match === 'principal' || subject.kind === 'root')
}

function byResourceAlone(resource: ResourceAllow | undefined): Decision {
  return resource === undefined ? refuse('resource') : { allowed: true, by: resource.by }
}

function byBoth({ identity, resource, session }: Allows): Decision {
  if (identity !== undefined && resource !== undefined && session)
    return { allowed: true, by: identity, through: resource.by }
  const lacks: Lacking[] = []
  if (resource === undefined) lacks.push('resource')
  if (identity === undefined) lacks.push('identity')
  if (!session) lacks.push('session')
  return refuse(...lacks)
}

function refuse(...lacks: readonly Lacking[]): Decision {
  return { allowed: false, reason: `no-${lacks[0] ?? 'identity'}-allow`, lacks }
}

function deny(by: DecidingStatement): Decision {
  return { allowed: false, reason: 'explicit-deny', by, lacks: [] }
}

function nameStatement(source: DecidingStatement['source'], { sid, index }: Statement, policy?: string) {
  if (policy === undefined) return sid === undefined ? { source, index } : { source, sid, index }
  return sid === undefined ? { source, policy, index } : { source, policy, sid, index }
}
