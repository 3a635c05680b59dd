/**
 * What CloudTrail shows beside a role that the broker took on: the broker, and for whom. Pure.
 *
 * STS takes 2 to 64 of `A-Z a-z 0-9 _ + = , . @ -` (STS API reference, AssumeRole). `sealcast-111122223333-user.ada` says
 * all there is to say; what does not fit, or could be read in two ways, ends in a hash of the publisher's id.
 */

import { createHash } from 'node:crypto'

const MAX_CHARACTERS = 64
const HASH_CHARACTERS = 12

/** @param publisher its id: ARN of a user, root or role, with a mark after `#` where sessions of the role differ */
export function roleSessionNameOf(publisher: string): string {
  const [, , , , account = '', ...resource] = publisher.split(':')
  const name = `sealcast-${account}-${resource.join(':').replace('/', '.')}`
  const safe = name.replace(/[^\w+=,.@-]/g, '.')
  if (safe === name && safe.length <= MAX_CHARACTERS) return safe
  const hash = createHash('sha256').update(publisher).digest('hex').slice(0, HASH_CHARACTERS)
  return `${safe.slice(0, MAX_CHARACTERS - HASH_CHARACTERS - 1)}-${hash}`
}
