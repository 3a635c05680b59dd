/** Who made a request, once that is settled: what actions decide by, and what they say of it to the audit line. */

import type { AuditNotes } from '#shared/audit'
import type { Session } from '#shared/sts'
import type { TopicCaller } from '#shared/topic-access'

/** Who called, the region of the credential scope (one endpoint serves any), and what policies may ask of the request. */
export interface Caller extends TopicCaller {
  /** Of a role session: what it hands on to sessions that it starts. */
  readonly session?: Pick<Session, 'tags' | 'transitiveTagKeys' | 'sourceIdentity'>
  /** Of the signature; the audit line shows its end. */
  readonly accessKeyId?: string
  /** Where `authorize` leaves what it decided, for the request's audit line. */
  readonly notes?: AuditNotes
}
