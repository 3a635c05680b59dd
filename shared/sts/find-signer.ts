/** Who signs with an access key: a principal of the file, or with a token a session. */

import type { Clock } from '#shared/clock'
import type { Principals } from '#shared/principals'
import type { SecretRing } from '#shared/record-mac'
import { createFindSession, type SessionSigner } from './find-session.ts'

/** `session` is there when it is one. */
export type FoundSigner = Omit<SessionSigner, 'session'> & Partial<Pick<SessionSigner, 'session'>>

/**
 * A user's access key with a token and a session's without one are not theirs to sign with.
 *
 * @returns undefined for an access key that nobody has
 * @throws as FindSession does
 */
export type FindSigner = (accessKeyId: string, token: string | undefined) => FoundSigner | undefined

export function createFindSigner(o: {
  principals: Pick<Principals, 'findByAccessKey' | 'findRole'>
  secrets: SecretRing
  clock: Clock
}): FindSigner {
  const findSession = createFindSession(o)
  return (accessKeyId, token) =>
    token === undefined ? o.principals.findByAccessKey(accessKeyId) : findSession(accessKeyId, token)
}
