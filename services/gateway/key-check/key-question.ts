/** How one publisher's use of a topic's key is asked about: of the local KMS, or of identity policies where that is AWS's. */

import type { Principal } from '#shared/principals'

/**
 * - `allowed`: it would get data keys
 * - `refused`: it would not, whatever its request brings along
 * - `unclear`: it cannot be told without the request, or not at all
 * - `broken`: nobody gets data keys of this key
 */
export type KeyAnswer =
  | { readonly kind: 'allowed' | 'refused' | 'unclear' }
  | { readonly kind: 'broken'; readonly reason: BrokenReason; readonly why: string }

export type BrokenReason = 'missing' | 'disabled' | 'pending-deletion' | 'unavailable'

export interface KeyQuestion {
  /** So many publishers are asked about at most for one topic. */
  readonly limit: number
  /** @throws {BrokerError} when there is no answer to be had */
  ask(o: { principal: Principal; keyId: string; topicArn: string; signal: AbortSignal }): Promise<KeyAnswer>
}
