/**
 * Access key and token of a request → the session that signs with them, if it is one that still counts.
 *
 * A session lives as long as its token says, to the second by this host's clock, and no longer than its role: one that was
 * removed, or removed and made anew, ends its sessions with the next request after the principals file was read. The
 * role's policies are those of the file at the time of the request.
 */

import type { Clock } from '#shared/clock'
import { createLruMap } from '#shared/lru-map'
import { type CompiledPolicy, compilePolicy } from '#shared/policy'
import type { Principal, Principals, Role, Signer } from '#shared/principals'
import type { SecretRing } from '#shared/record-mac'
import { SessionExpiredError, SessionTokenInvalidError } from './errors.ts'
import type { Session } from './session.ts'
import { sessionPrincipalOf } from './session-principal.ts'
import { openSession } from './session-token.ts'

/** A session's signer, and what it hands on to sessions that it starts. */
export interface SessionSigner extends Signer {
  readonly session: Pick<Session, 'tags' | 'transitiveTagKeys' | 'sourceIdentity'>
}

/**
 * @throws {SessionTokenInvalidError} when the token is none of ours for this access key, or its role is gone
 * @throws {SessionExpiredError} from the second on at which the session ends
 */
export type FindSession = (accessKeyId: string, token: string) => SessionSigner

/** Of what was opened, so nobody can fill it with forgeries. At most 8,000 characters each. */
const CACHED_SESSIONS = 2_000

export function createFindSession(o: {
  secrets: SecretRing
  principals: Pick<Principals, 'findRole'>
  clock: Clock
}): FindSession {
  const opened = createLruMap<Opened>(CACHED_SESSIONS)
  return (accessKeyId, token) => {
    // No token has a line feed: opening one would have failed.
    const key = `${accessKeyId}\n${token}`
    const found = opened.get(key) ?? open(openSession(token, accessKeyId, o.secrets))
    const { session } = found
    if (o.clock.now() >= session.expiresAt * 1000) {
      opened.delete(key)
      throw new SessionExpiredError()
    }
    opened.set(key, found)
    const role = o.principals.findRole(session.roleArn)
    if (role === undefined || role.roleId !== session.roleId) throw new SessionTokenInvalidError()
    return found.signerAs(role)
  }
}

interface Opened {
  readonly session: Session
  signerAs(role: Role): SessionSigner
}

function open(session: Session): Opened {
  const sessionPolicy: CompiledPolicy | undefined =
    session.sessionPolicy === undefined ? undefined : compilePolicy(session.sessionPolicy, { kind: 'identity' })
  // One principal as long as the role stays as it is: what was decided about it can be looked up again.
  let last: { role: Role; signer: SessionSigner } | undefined
  return {
    session,
    signerAs(role) {
      if (last?.role !== role) {
        const principal: Principal = sessionPrincipalOf(session, role, sessionPolicy)
        last = { role, signer: { principal, secretAccessKey: session.secretAccessKey, session } }
      }
      return last.signer
    },
  }
}
