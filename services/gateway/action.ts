/**
 * What an action is: a name and a function from a checked request to the result element's content.
 *
 * When an action runs, the request is decoded, its signature verified, the transport rule applied.
 * What is left to it: its parameters, the permission, the effect.
 */

import type { AuditNotes } from '#shared/audit'
import type { Catalog } from '#shared/catalog'
import type { ChangeNotices } from '#shared/change-notices'
import type { Clock } from '#shared/clock'
import type { SealingKeys } from '#shared/data-keys'
import type { EndpointNetworks } from '#shared/endpoint-guard'
import type { Principal } from '#shared/principals'
import type { SecretRing } from '#shared/record-mac'
import type { Parameters, XmlNode } from '#shared/sns-wire'
import type { AnnounceSnsKey } from './announce-sns-key.ts'
import type { AppendConfirmation } from './append-confirmation.ts'
import type { SealAndAppend } from './seal-and-append.ts'
import type { TopicLookup } from './topic-lookup.ts'

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
  /** Of the signature; the audit line shows its end. */
  readonly accessKeyId?: string
  /** Where `authorize` leaves what it decided, for the request's audit line. */
  readonly notes?: AuditNotes
}

export interface ActionRequest {
  readonly parameters: Parameters
  /** Absent only for actions that may be called without a signature. */
  readonly caller: Caller | undefined
}

export interface SignedActionRequest extends ActionRequest {
  readonly caller: Caller
}

/** What actions act through; one object, joined in main.ts. */
export interface ActionServices {
  readonly catalog: Catalog
  readonly topics: TopicLookup
  /** Every change of a topic goes through it before it is answered. */
  readonly topicChanges: Pick<ChangeNotices, 'settle' | 'announce'>
  readonly sealingKeys: Pick<SealingKeys, 'forget'>
  readonly announceSnsKey: AnnounceSnsKey
  readonly sealAndAppend: SealAndAppend
  readonly appendConfirmation: AppendConfirmation
  readonly tokenSecrets: SecretRing
  readonly endpointNetworks: EndpointNetworks
  readonly clock: Clock
}

interface ActionOf<R extends ActionRequest> {
  readonly name: string
  run(request: R, services: ActionServices): Promise<XmlNode | undefined>
}

/** An action that needs a signature, or one of the two that do not. */
export type Action =
  | (ActionOf<SignedActionRequest> & { readonly signature: 'required' })
  | (ActionOf<ActionRequest> & { readonly signature: 'optional' })
