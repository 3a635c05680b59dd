/**
 * Asks a worker to send a SubscriptionConfirmation or UnsubscribeConfirmation. Only workers reach
 * out to endpoints; the entry names the subscription and holds no token, since the worker derives
 * it when it sends.
 */

import { randomUUID } from 'node:crypto'
import type { Subscription } from '#shared/catalog'
import type { Clock } from '#shared/clock'
import type { StreamAppender } from '#shared/stream-log'

export type ConfirmationPurpose = 'subscribe' | 'unsubscribe'
export type AppendConfirmation = (subscription: Subscription, purpose: ConfirmationPurpose) => Promise<void>

export function createAppendConfirmation(o: { appender: StreamAppender; clock: Clock }): AppendConfirmation {
  return (subscription, purpose) =>
    o.appender.append({
      kind: 'confirmation',
      topicArn: subscription.topicArn,
      incarnation: subscription.incarnation,
      messageId: randomUUID(),
      principal: subscription.principal,
      acceptedAt: o.clock.now(),
      attributes: [],
      confirmation: { subscriptionId: subscription.id, purpose },
      body: Buffer.alloc(0),
    })
}
