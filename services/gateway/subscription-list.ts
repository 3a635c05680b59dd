/** A page of subscriptions as ListSubscriptions and ListSubscriptionsByTopic answer it. */

import { type Subscription, subscriptionArnOf } from '#shared/catalog'
import type { XmlNode } from '#shared/sns-wire'
import { maskEndpoint } from './mask-endpoint.ts'
import { encodePageToken } from './page-token.ts'

/** Subscriptions of a page. Fixed by SNS. */
export const PAGE_SIZE = 100

/** @param next name of the last subscription met, absent on the last page */
export function subscriptionList(subscriptions: readonly Subscription[], next: string | undefined): XmlNode {
  return [
    ['Subscriptions', subscriptions.map((one) => ['member', memberOf(one)] as const)],
    ...(next === undefined ? [] : [['NextToken', encodePageToken(next)] as const]),
  ]
}

function memberOf(subscription: Subscription): XmlNode {
  return [
    ['SubscriptionArn', listedArn(subscription)],
    ['Owner', subscription.owner],
    ['Protocol', subscription.protocol],
    ['Endpoint', maskEndpoint(subscription.endpoint)],
    ['TopicArn', subscription.topicArn],
  ]
}

/** Lists show a word instead of the ARN of what is no subscription yet, or no more. Recorded from SNS. */
function listedArn({ state, topicArn, id }: Subscription): string {
  if (state === 'pending') return 'PendingConfirmation'
  return state === 'deleted' ? 'Deleted' : subscriptionArnOf(topicArn, id)
}
