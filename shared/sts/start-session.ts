/** Begins a session of a role: credentials, token, end. Whether it may begin is decided before. */

import type { Role } from '#shared/principals'
import type { SecretRing } from '#shared/record-mac'
import type { Session } from './session.ts'
import { sealSession } from './session-token.ts'
import { createTemporaryCredentials } from './temporary-credentials.ts'

export interface StartedSession {
  readonly session: Session
  readonly token: string
}

/**
 * @param o.now epoch milliseconds; parts of a second are dropped, so that a session never outlives what was asked for
 * @throws {RangeError} when policy and tags take more than 100 per cent of the room: see `packedPolicySize`
 */
export function startSession(o: {
  role: Pick<Role, 'arn' | 'roleId'>
  limits: Pick<Session, 'sessionName' | 'sessionPolicy' | 'tags' | 'transitiveTagKeys' | 'sourceIdentity'>
  durationSeconds: number
  now: number
  secrets: SecretRing
}): StartedSession {
  const { sessionPolicy, sourceIdentity, sessionName, tags, transitiveTagKeys } = o.limits
  const issuedAt = Math.floor(o.now / 1000)
  const session: Session = {
    ...createTemporaryCredentials(),
    roleArn: o.role.arn,
    roleId: o.role.roleId,
    sessionName,
    issuedAt,
    expiresAt: issuedAt + o.durationSeconds,
    tags,
    transitiveTagKeys,
    ...(sessionPolicy === undefined ? {} : { sessionPolicy }),
    ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
  }
  return { session, token: sealSession(session, o.secrets) }
}
