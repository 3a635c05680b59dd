/**
 * What an action is: a name and a function from a checked request to the result element's content.
 *
 * When an action runs, the request is decoded, its signature verified, the transport rule applied.
 * What is left to it: its parameters, the permission, the effect.
 */

import type { Catalog } from '#shared/catalog'
import type { ChangeNotices } from '#shared/change-notices'
import type { Clock } from '#shared/clock'
import type { SealingKeys } from '#shared/data-keys'
import type { EndpointNetworks } from '#shared/endpoint-guard'
import type { Principals } from '#shared/principals'
import type { SecretRing } from '#shared/record-mac'
import type { Parameters, XmlNode } from '#shared/sns-wire'
import type { AnnounceSnsKey } from './announce-sns-key.ts'
import type { AppendConfirmation } from './append-confirmation.ts'
import type { Authorize } from './authorize.ts'
import type { Caller } from './caller.ts'
import type { KeyChecks } from './key-check/key-checks.ts'
import type { SealAndAppend } from './seal-and-append.ts'
import type { TopicLookup } from './topic-lookup.ts'

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
  readonly authorize: Authorize
  readonly catalog: Catalog
  readonly topics: TopicLookup
  /** Every change of a topic goes through it before it is answered. */
  readonly topicChanges: Pick<ChangeNotices, 'settle' | 'announce'>
  readonly sealingKeys: Pick<SealingKeys, 'forget'>
  readonly announceSnsKey: AnnounceSnsKey
  /** Of keys that topics are given. */
  readonly keyChecks: Pick<KeyChecks, 'request'>
  readonly sealAndAppend: SealAndAppend
  readonly appendConfirmation: AppendConfirmation
  readonly tokenSecrets: SecretRing
  /** Roles to be assumed, and what their sessions' tokens are sealed under. */
  readonly sts: Pick<Principals, 'findRole'> & { readonly secrets: SecretRing }
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
