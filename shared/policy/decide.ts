/**
 * Whether a request is allowed, and which statement says so. Pure: what it needs is in the request and the policies.
 *
 * In every case an explicit Deny comes first, wherever it stands, and what no statement allows is refused.
 *
 * Rules: IAM User Guide, "Policy evaluation logic"; for keys KMS Developer Guide, "Determining access to keys".
 */

import type { AccessRequest, NamedPolicy } from './access-request.ts'
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
  if (identity !== undefined || resource?.match === 'principal') return refuse('session')
  return refuse('identity')
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
  if (resource === undefined) return refuse('resource')
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

function findAllows(request: AccessRequest, resourcePolicy: CompiledPolicy | undefined): Allows | Decision {
  const { subject } = request
  const policies = sidesOf(request, resourcePolicy)
  for (const side of policies) {
    const denying = side.policy.statements.find((one) => one.effect === 'Deny' && applies(one, request) !== undefined)
    if (denying !== undefined) return { allowed: false, reason: 'explicit-deny', by: name(denying, side), lacks: [] }
  }
  let identity: DecidingStatement | undefined = subject.kind === 'root' ? { source: 'root', index: 0 } : undefined
  let session = subject.sessionPolicy === undefined
  let resource: ResourceAllow | undefined
  for (const side of policies) {
    for (const statement of side.policy.statements) {
      if (statement.effect !== 'Allow') continue
      const match = applies(statement, request)
      if (match === undefined) continue
      if (side.source === 'identity') identity ??= name(statement, side)
      else if (side.source === 'session') session = true
      else if (isCloser(match, resource?.match)) resource = { by: name(statement, side), match }
    }
  }
  return { identity, session, resource }
}

interface Side {
  readonly source: 'identity' | 'session' | 'resource'
  readonly policy: CompiledPolicy
  readonly name?: string
}

function sidesOf({ subject }: AccessRequest, resourcePolicy: CompiledPolicy | undefined): Side[] {
  const sides: Side[] = subject.policies.map(({ name, policy }: NamedPolicy) => ({ source: 'identity', policy, name }))
  if (subject.sessionPolicy !== undefined) sides.push({ source: 'session', policy: subject.sessionPolicy })
  if (resourcePolicy !== undefined) sides.push({ source: 'resource', policy: resourcePolicy })
  return sides
}

function applies(statement: Statement, request: AccessRequest): PrincipalMatch | undefined {
  if (!statement.matchesAction(request.action.toLowerCase())) return undefined
  if (!statement.matchesResource(request.resource, request.context)) return undefined
  const match = statement.matchPrincipal(request.subject)
  if (match === undefined || !statement.matchesConditions(request.context)) return undefined
  return match
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

function name(statement: Statement, side: Side): DecidingStatement {
  return {
    source: side.source,
    ...(side.name === undefined ? {} : { policy: side.name }),
    ...(statement.sid === undefined ? {} : { sid: statement.sid }),
    index: statement.index,
  }
}
