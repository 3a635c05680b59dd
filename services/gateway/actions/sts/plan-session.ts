/**
 * What a session of a role would be, for who asks for it, and what must be allowed for that. Pure: whether it is, the
 * trust policy decides in authorize-assume-role.ts.
 *
 * A session that starts another (role chaining) hands on its transitive tags and its source identity, neither of
 * which can be changed on the way. IAM User Guide, "Chaining roles with session tags", "Monitor and control actions taken
 * with assumed roles".
 */

import type { Session } from '#shared/sts'
import { StsParameterValueError } from './errors.ts'
import type { AssumeRoleInput } from './read-assume-role.ts'

export type SessionLimits = Pick<
  Session,
  'sessionName' | 'sessionPolicy' | 'tags' | 'transitiveTagKeys' | 'sourceIdentity'
>

/** What a calling session hands on. */
export type Inherited = Pick<Session, 'tags' | 'transitiveTagKeys' | 'sourceIdentity'>

export type AssumeRolePermission = 'AssumeRole' | 'TagSession' | 'SetSourceIdentity'

export interface SessionPlan {
  readonly limits: SessionLimits
  /** In the order in which they are asked for. */
  readonly permissions: readonly AssumeRolePermission[]
  /** The caller's source identity is another than the one it asks for, which nobody can allow. */
  readonly changesSourceIdentity: boolean
}

/** IAM User Guide, "Pass session tags in AWS STS". */
const MAX_TAGS = 50

/**
 * @param inherited of a caller that is a session itself
 * @throws {StsParameterValueError} when a tag asked for is one that the calling session hands on
 */
export function planSession(input: AssumeRoleInput, inherited: Inherited | undefined): SessionPlan {
  const handedOn = transitiveTagsOf(inherited)
  const fixed = new Set(Object.keys(handedOn).map((key) => key.toLowerCase()))
  if (Object.keys(input.tags).some((key) => fixed.has(key.toLowerCase()))) {
    throw new StsParameterValueError(
      "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
    )
  }
  const tags = Object.fromEntries([...Object.entries(handedOn), ...Object.entries(input.tags)])
  if (Object.keys(tags).length > MAX_TAGS) {
    throw new StsParameterValueError(
      `A session has ${MAX_TAGS} tags at most, those that the calling session hands on among them.`,
    )
  }
  const sourceIdentity = inherited?.sourceIdentity ?? input.sourceIdentity
  return {
    limits: {
      sessionName: input.sessionName,
      tags,
      transitiveTagKeys: [...Object.keys(handedOn), ...input.transitiveTagKeys],
      ...(input.sessionPolicy === undefined ? {} : { sessionPolicy: input.sessionPolicy }),
      ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
    },
    permissions: [
      'AssumeRole',
      ...(Object.keys(tags).length > 0 ? (['TagSession'] as const) : []),
      ...(sourceIdentity === undefined ? [] : (['SetSourceIdentity'] as const)),
    ],
    changesSourceIdentity: input.sourceIdentity !== undefined && input.sourceIdentity !== sourceIdentity,
  }
}

function transitiveTagsOf(inherited: Inherited | undefined): Session['tags'] {
  if (inherited === undefined) return {}
  const transitive = new Set(inherited.transitiveTagKeys.map((key) => key.toLowerCase()))
  return Object.fromEntries(Object.entries(inherited.tags).filter(([key]) => transitive.has(key.toLowerCase())))
}
