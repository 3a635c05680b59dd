/** Why the commands about KMS keys refuse, or end incomplete: one class a cause. */

import { BrokerError } from '#shared/errors'

/** There is no record of the number of partitions: no broker has run on this Redis, or somebody took it away. */
export class NothingStoredError extends BrokerError {
  override readonly code = 'NOTHING_STORED'
  override readonly fault = 'sender'
  override readonly retryable = false

  constructor() {
    super('Cannot read messages: no broker has used this Redis yet')
  }
}

/** The two keys of a rewrap cannot be used for one. */
export class RewrapRefusedError extends BrokerError {
  override readonly code = 'REWRAP_REFUSED'
  override readonly fault = 'sender'
  override readonly retryable = false
}

/** Some data keys stand under the old key still. No refusal: what was done stays, and the rest can be tried again. */
export class RewrapIncompleteError extends Error {
  override readonly name = 'RewrapIncompleteError'
}
