import type { AuditNotes } from '#shared/audit'
import type { Principal } from '#shared/principals'
import type { Session } from '#shared/sts'

/** Who called, the region of the credential scope (one endpoint serves any), and what policies may ask of the request. */
export interface Caller {
  readonly principal: Principal
  readonly region: string
  /** Of the connection. */
  readonly sourceIp: string
  /** Whether it came over TLS. */
  readonly secure: boolean
  readonly userAgent?: string
  /** For whom a service acts, as it said in signed headers. Of a service alone: nobody else is believed. */
  readonly source?: { readonly arn?: string; readonly account?: string }
  /** Of a role session: what it hands on to sessions that it starts. */
  readonly session?: Pick<Session, 'tags' | 'transitiveTagKeys' | 'sourceIdentity'>
  /** Of the signature; the audit line shows its end. */
  readonly accessKeyId?: string
  /** Where `authorize` leaves what it decided, for the request's audit line. */
  readonly notes?: AuditNotes
}
