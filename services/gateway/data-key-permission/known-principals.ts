/**
 * The publishers that have called of late, by their ids: a data key is asked for far from the request, and a session
 * is in no file. Noted anew with each request, so that a change of policies counts for the next data key.
 */

import { createLruMap } from '#shared/lru-map'
import type { Principal } from '#shared/principals'

/** Far more than requests can be in flight. One that is missed is refused its data key, not given more. */
const KNOWN = 10_000

export interface KnownPrincipals {
  note(principal: Principal): void
  find(publisher: string): Principal | undefined
}

export function createKnownPrincipals(): KnownPrincipals {
  const known = createLruMap<Principal>(KNOWN)
  return {
    note: (principal) => known.set(principal.publisher, principal),
    find: (publisher) => known.get(publisher),
  }
}
