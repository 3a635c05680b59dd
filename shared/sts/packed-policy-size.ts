/**
 * How much of the room in a token a session's policy and tags take, in per cent: STS's `PackedPolicySize`. More than
 * 100 is refused. AWS packs in a way it does not describe; here it is the bytes of what goes into the token.
 */

import type { Session } from './session.ts'

/** With names, ids and the rest of a session the token stays below MAX_TOKEN_CHARACTERS. */
const ROOM_BYTES = 4_096

/** @returns 0 when there is neither a policy nor a tag, as STS leaves the element out then */
export function packedPolicySize(o: Pick<Session, 'sessionPolicy' | 'tags' | 'transitiveTagKeys'>): number {
  const { sessionPolicy, tags, transitiveTagKeys } = o
  const hasTags = Object.keys(tags).length > 0
  if (sessionPolicy === undefined && !hasTags) return 0
  const packed = [sessionPolicy, ...(hasTags ? [tags, transitiveTagKeys] : [])]
  return Math.ceil((100 * Buffer.byteLength(JSON.stringify(packed))) / ROOM_BYTES)
}
