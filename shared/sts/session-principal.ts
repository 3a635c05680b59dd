/** Who a session is: its role as it is now, under the name and within the limits that the session was given. Pure. */

import { hashParts } from '#shared/framing'
import type { CompiledPolicy } from '#shared/policy'
import type { Principal, Role } from '#shared/principals'
import type { Session } from './session.ts'
import { sessionArnOf, sessionUserIdOf } from './session-arn.ts'

/** @param sessionPolicy the session's, compiled */
export function sessionPrincipalOf(session: Session, role: Role, sessionPolicy: CompiledPolicy | undefined): Principal {
  const arn = sessionArnOf(session)
  const { account, policies, organizationId, kmsRoleArn } = role
  const publisher = publisherOf(session)
  // Unknown is as good as long ago: what ends older sessions ends such a one.
  const { issuedAt = 0 } = session
  return Object.freeze({
    kind: 'role-session',
    arn,
    account,
    userId: sessionUserIdOf(session),
    roleArn: role.arn,
    policies,
    ...(sessionPolicy === undefined ? {} : { sessionPolicy }),
    tags: mergeSessionTags(role.tags, session.tags),
    ...(session.sourceIdentity === undefined ? {} : { sourceIdentity: session.sourceIdentity }),
    ...(organizationId === undefined ? {} : { organizationId }),
    ...(kmsRoleArn === undefined ? {} : { kmsRoleArn }),
    tokenIssuedAt: issuedAt,
    publisher,
    // The publisher stands for policy, tags and source identity.
    version: hashParts([role.version, role.roleId, arn, publisher, String(issuedAt)])
      .toString('base64url')
      .slice(0, 22),
  })
}

/**
 * Sessions of one role share its data keys. What can make one session's permissions other than another's gets
 * data keys of its own, as permission is asked for when a data key is obtained: a session policy, tags and a source
 * identity, which conditions may look at. Hash and role ARN are apart by a character that no ARN has.
 */
function publisherOf({ roleArn, sessionPolicy, tags, sourceIdentity }: Session): string {
  const own = Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1))
  if (sessionPolicy === undefined && own.length === 0 && sourceIdentity === undefined) return roleArn
  const hash = hashParts([sessionPolicy, sourceIdentity, ...own.flat()])
  return `${roleArn}#${hash.toString('hex').slice(0, 32)}`
}

/** Keys are the same in any case, and the session's win. IAM User Guide, "Pass session tags in AWS STS". */
export function mergeSessionTags(
  roleTags: ReadonlyMap<string, string>,
  own: Session['tags'],
): ReadonlyMap<string, string> {
  const ownKeys = new Set(Object.keys(own).map((key) => key.toLowerCase()))
  const inherited = [...roleTags].filter(([key]) => !ownKeys.has(key.toLowerCase()))
  return new Map([...inherited, ...Object.entries(own)])
}
