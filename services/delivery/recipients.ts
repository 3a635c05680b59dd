/**
 * Which subscriptions an entry goes to. Pure.
 *
 * A notification goes to the confirmed ones; a confirmation to the one it names, while that is still
 * in the state the confirmation is about. Subscriptions of another incarnation of the topic belong to
 * a topic that was deleted.
 */

import { type Subscription, subscriptionArnOf } from '#shared/catalog'
import type { Entry } from '#shared/stream-log'
import { type HttpTarget, parseHttpTarget } from './protocols/http-target.ts'

export interface Recipient {
  readonly subscription: Subscription
  readonly arn: string
  /** Undefined when the endpoint cannot be requested. */
  readonly target: HttpTarget | undefined
}

/** What a topic's subscriptions are to deliveries; made once per version of the topic. */
export interface Recipients {
  readonly confirmed: readonly Recipient[]
  readonly byId: ReadonlyMap<string, Recipient>
}

/** @param incarnation of the topic as it is now */
export function indexRecipients(subscriptions: readonly Subscription[], incarnation: string): Recipients {
  const ours = subscriptions
    .filter((subscription) => subscription.incarnation === incarnation)
    .map((subscription) => ({
      subscription,
      arn: subscriptionArnOf(subscription.topicArn, subscription.id),
      target: parseHttpTarget(subscription.endpoint),
    }))
  return {
    confirmed: ours.filter(({ subscription }) => subscription.state === 'confirmed'),
    byId: new Map(ours.map((recipient) => [recipient.subscription.id, recipient])),
  }
}

const STATE_OF_PURPOSE = { subscribe: 'pending', unsubscribe: 'deleted' } as const

/** @param entry verified, and of the incarnation the recipients were indexed for */
export function recipientsOf(entry: Entry, recipients: Recipients): readonly Recipient[] {
  if (entry.confirmation === undefined) return recipients.confirmed
  const named = recipients.byId.get(entry.confirmation.subscriptionId)
  return named?.subscription.state === STATE_OF_PURPOSE[entry.confirmation.purpose] ? [named] : []
}
