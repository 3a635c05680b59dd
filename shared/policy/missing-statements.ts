/**
 * What would have to be written for a refused request to be allowed: the smallest statements, ready to be pasted.
 *
 * Each allows this caller this one action on this one resource. A session is let in by its role, since a session's ARN ends
 * with the session; a service only for the source that it acted for, or any customer of the service could act through it.
 */

import type { AccessRequest, Subject } from './access-request.ts'
import type { PolicyKind } from './compiled-policy.ts'
import type { Decision, Lacking } from './decide.ts'
import type { ConditionContext } from './identity.ts'

export interface MissingStatement {
  /** Whose policy it belongs in: the caller's, the resource's, or the one its session was made with. */
  readonly belongsIn: Lacking
  readonly statement: PlainStatement
}

/** As it is written in a document. */
export interface PlainStatement {
  readonly Effect: 'Allow'
  readonly Principal?: Readonly<Record<string, string>>
  readonly Action: string
  readonly Resource?: string
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/**
 * @param kind of the resource's policy: a key's statements say `*` for the key, a role's have no Resource
 * @returns one statement for each policy that has to allow the request and does not; none when something denies it, which
 *   nothing that is added could change
 */
export function findMissingStatements(
  request: AccessRequest,
  decision: Decision,
  kind: Exclude<PolicyKind, 'identity'> = 'resource',
): MissingStatement[] {
  if (decision.allowed) return []
  return decision.lacks.map((belongsIn) => {
    const { action, resource, subject, context } = request
    if (belongsIn !== 'resource')
      return { belongsIn, statement: { Effect: 'Allow', Action: action, Resource: resource } }
    const condition = subject.kind === 'service' ? conditionOnSource(context) : undefined
    return {
      belongsIn,
      statement: {
        Effect: 'Allow',
        Principal: principalOf(subject),
        Action: action,
        ...(kind === 'trust' ? {} : { Resource: kind === 'key' ? '*' : resource }),
        ...(condition === undefined ? {} : { Condition: condition }),
      },
    }
  })
}

function principalOf({ kind, arn, roleArn }: Subject): Record<string, string> {
  return kind === 'service' ? { Service: arn } : { AWS: roleArn ?? arn }
}

/** Equality and not likeness: no character of an ARN is to be a wildcard. */
function conditionOnSource(context: ConditionContext): PlainStatement['Condition'] {
  const source: Record<string, string> = {}
  for (const key of ['aws:SourceArn', 'aws:SourceAccount']) {
    const value = context.get(key.toLowerCase())
    if (typeof value === 'string') source[key] = value
  }
  return Object.keys(source).length === 0 ? undefined : { StringEquals: source }
}
