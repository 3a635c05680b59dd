/**
 * Subscribe: registers an HTTP or HTTPS endpoint, pending until it confirms.
 *
 * Idempotent by (topic, protocol, endpoint, owner) as long as the attributes agree; a pending one gets a fresh
 * confirmation and waits anew, and tokens sent earlier stay valid. The subscription is stored before its
 * confirmation is appended: a crash between leaves a pending subscription that the caller's retry completes.
 */

import { randomUUID } from 'node:crypto'
import { type Subscription, subscriptionArnOf } from '#shared/catalog'
import { InvalidParameterError } from '#shared/sns-wire'
import type { Action } from '../../action.ts'
import { findOrCreateSubscription } from '../../change-subscription.ts'
import { checkEndpoint } from '../../check-endpoint.ts'
import { readBoolean, requireParameter } from '../../require-parameter.ts'
import { resolveTopic } from '../../resolve-topic.ts'
import { readSubscriptionAttributes, subscriptionAttributesAgree } from '../../subscription-attributes.ts'

/** Subscribe calls within it renew once: a hundred at the same time would otherwise overtake each other for long. */
const RENEWAL_MS = 1000

export const subscribe: Action = {
  name: 'Subscribe',
  signature: 'required',
  async run({ parameters, caller }, { authorize, catalog, appendConfirmation, endpointNetworks, clock }) {
    const place = resolveTopic(parameters.get('TopicArn'), { caller })
    const topicArn = place.arn
    const { protocol, endpoint } = checkEndpoint({
      protocol: requireParameter(parameters, 'Protocol'),
      endpoint: parameters.get('Endpoint'),
      networks: endpointNetworks,
    })
    const entries = parameters.map('Attributes')
    const attributes = readSubscriptionAttributes(entries)
    const returnArn = readBoolean(parameters, 'ReturnSubscriptionArn')
    // Of a session its role, as SNS shows it: sessions come and go.
    const { account: owner, arn, roleArn: principal = arn } = caller.principal
    const now = clock.now()
    const subscription = await findOrCreateSubscription(catalog, {
      wanted: { topicArn, protocol, endpoint, owner },
      now,
      allow: (topic) => authorize(caller, 'Subscribe', { ...place, topic, wanted: { protocol, endpoint } }),
      reuse(existing) {
        if (!subscriptionAttributesAgree(entries, attributes, existing)) {
          throw new InvalidParameterError(
            'Invalid parameter: Attributes Reason: Subscription already exists with different attributes',
          )
        }
        return renewed(existing, now)
      },
      fresh: (incarnation) => ({
        id: randomUUID(),
        topicArn,
        incarnation,
        protocol,
        endpoint,
        owner,
        principal,
        state: 'pending',
        confirmationWasAuthenticated: false,
        createdAt: now,
        ...attributes,
      }),
    })
    if (subscription.state === 'pending') await appendConfirmation(subscription, 'subscribe')
    const shown = subscription.state === 'confirmed' || returnArn
    return [['SubscriptionArn', shown ? subscriptionArnOf(topicArn, subscription.id) : 'pending confirmation']]
  },
}

/** What an existing one becomes; undefined when it stays as it is. */
function renewed(existing: Subscription, now: number): Subscription | undefined {
  if (existing.state === 'confirmed') return undefined
  const waitsSince = existing.pendingSince ?? existing.createdAt
  if (existing.state === 'pending' && now - waitsSince < RENEWAL_MS) return undefined
  // One that was unsubscribed by its link starts over as pending, under the ARN it had.
  return { ...existing, state: 'pending', pendingSince: now }
}
