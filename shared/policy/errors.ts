/** What a policy document can be refused for. SNS and KMS map `reason` to texts of their own. */

import { BrokerError } from '#shared/errors'

/** Stable: wire texts, alerts and tests match on it. */
export type PolicyFault =
  | 'too-long'
  | 'not-json'
  | 'duplicate-element'
  | 'too-deep'
  | 'wrong-type'
  | 'unknown-element'
  | 'missing-element'
  | 'misplaced-element'
  | 'conflicting-elements'
  | 'empty-list'
  | 'bad-version'
  | 'bad-effect'
  | 'bad-sid'
  | 'duplicate-sid'
  | 'bad-principal'
  | 'bad-action'
  | 'bad-resource'
  | 'bad-operator'
  | 'bad-condition-key'
  | 'bad-value'
  | 'bad-variable'

const MAX_PLACE_CHARACTERS = 200

/** The document is no policy, or none for this use. `place` names elements, as in `Statement[0].Action`, never values. */
export class MalformedPolicyError extends BrokerError {
  override readonly code = 'MALFORMED_POLICY'
  override readonly fault = 'sender'
  override readonly retryable = false
  readonly reason: PolicyFault
  readonly place: string

  constructor(reason: PolicyFault, place: string) {
    const shown = place.slice(0, MAX_PLACE_CHARACTERS)
    super(`Cannot use the policy: ${reason} at ${shown === '' ? 'top level' : shown}`)
    this.reason = reason
    this.place = shown
  }
}
