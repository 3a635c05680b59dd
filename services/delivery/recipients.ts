/**
 * Which subscriptions an entry goes to, and how each of them wants it. Pure.
 *
 * A notification goes to the confirmed ones; a confirmation to the one it names, while that is still
 * in the state the confirmation is about. Subscriptions of another incarnation of the topic belong to
 * a topic that was deleted.
 */

import { isExpired, type Subscription, subscriptionArnOf, type Topic } from '#shared/catalog'
import { effectiveDelivery, type RetryPhase, retryDelays, retryPhases } from '#shared/sns-wire'
import type { Entry } from '#shared/stream-log'
import { type HttpTarget, parseHttpTarget } from './protocols/http-target.ts'

/** What the delivery policies of topic and subscription come to. */
export interface DeliveryTerms {
  /** Seconds before each retry, in order. */
  readonly delays: readonly number[]
  /** The phase each of them belongs to. */
  readonly phases: readonly RetryPhase[]
  readonly contentType: string
  readonly maxReceivesPerSecond: number | undefined
  /** The body alone is sent, unsigned. */
  readonly raw: boolean
}

export interface Recipient {
  readonly subscription: Subscription
  readonly arn: string
  /** Undefined when the endpoint cannot be requested. */
  readonly target: HttpTarget | undefined
  readonly terms: DeliveryTerms
}

/** What a topic's subscriptions are to deliveries; made once per version of the topic. */
export interface Recipients {
  readonly confirmed: readonly Recipient[]
  readonly byId: ReadonlyMap<string, Recipient>
}

/** @param topic as it is now */
export function indexRecipients(subscriptions: readonly Subscription[], topic: Topic): Recipients {
  const termsOf = createTerms(topic)
  const ours = subscriptions
    .filter((subscription) => subscription.incarnation === topic.incarnation)
    .map((subscription) => ({
      subscription,
      arn: subscriptionArnOf(subscription.topicArn, subscription.id),
      target: parseHttpTarget(subscription.endpoint),
      terms: termsOf(subscription),
    }))
  return {
    confirmed: ours.filter(({ subscription }) => subscription.state === 'confirmed'),
    byId: new Map(ours.map((recipient) => [recipient.subscription.id, recipient])),
  }
}

/** Of the subscriptions of a topic most have the same policy: those share what it comes to. */
function createTerms(topic: Topic): (subscription: Subscription) => DeliveryTerms {
  const known = new Map<string, DeliveryTerms>()
  return ({ deliveryPolicy, rawMessageDelivery = false }) => {
    const name = `${rawMessageDelivery} ${deliveryPolicy ?? ''}`
    const shared = known.get(name)
    if (shared !== undefined) return shared
    const { retry, contentType, maxReceivesPerSecond } = effectiveDelivery(
      topic.attributes.deliveryPolicy,
      deliveryPolicy,
      { raw: rawMessageDelivery },
    )
    const [delays, phases] = [retryDelays(retry), retryPhases(retry)]
    const terms = { delays, phases, contentType, maxReceivesPerSecond, raw: rawMessageDelivery }
    known.set(name, terms)
    return terms
  }
}

/**
 * Of confirmations. The default, whatever the policies say: with a hundred retries each, whoever may
 * subscribe could have us send much to somebody who never asked for it.
 */
const CONFIRMATION_TERMS: DeliveryTerms = (() => {
  const { retry, contentType } = effectiveDelivery(undefined, undefined, { raw: false })
  const [delays, phases] = [retryDelays(retry), retryPhases(retry)]
  return { delays, phases, contentType, maxReceivesPerSecond: undefined, raw: false }
})()

const STATE_OF_PURPOSE = { subscribe: 'pending', unsubscribe: 'deleted' } as const

/**
 * @param entry verified, and of the incarnation the recipients were indexed for
 * @param now epoch ms
 */
export function recipientsOf(entry: Entry, recipients: Recipients, now: number): readonly Recipient[] {
  if (entry.confirmation === undefined) return recipients.confirmed
  const named = recipientOf(entry, recipients, entry.confirmation.subscriptionId, now)
  return named === undefined ? [] : [named]
}

/** The subscription of that id, if the entry goes to it. */
export function recipientOf(
  { confirmation }: Entry,
  recipients: Recipients,
  subscriptionId: string,
  now: number,
): Recipient | undefined {
  const named = recipients.byId.get(subscriptionId)
  if (named === undefined) return undefined
  if (confirmation === undefined) return named.subscription.state === 'confirmed' ? named : undefined
  if (confirmation.subscriptionId !== subscriptionId || isExpired(named.subscription, now)) return undefined
  if (named.subscription.state !== STATE_OF_PURPOSE[confirmation.purpose]) return undefined
  return { ...named, terms: CONFIRMATION_TERMS }
}
