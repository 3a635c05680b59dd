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
