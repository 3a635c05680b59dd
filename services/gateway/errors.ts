import { BrokerError } from '#shared/errors'

/** Other gateways kept changing the topic's subscriptions. Nothing was stored by this call. */
export class SubscriptionContendedError extends BrokerError {
  override readonly code = 'SUBSCRIPTION_CONTENDED'
  override readonly fault = 'receiver'
  override readonly retryable = true

  constructor() {
    super('Cannot change a subscription: others keep changing the topic')
  }
}

/**
 * A topic changed, or its read became too old, after something was decided by it and before that was stored.
 * Nothing was stored by this call.
 */
export class TopicOutdatedError extends BrokerError {
  override readonly code = 'TOPIC_OUTDATED'
  override readonly fault = 'receiver'
  override readonly retryable = true

  constructor() {
    super('Cannot store what was decided by a topic: it has changed, or was read too long ago')
  }
}
