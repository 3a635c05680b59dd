/** GetSubscriptionAttributes: SNS's map, for the subscription's owner; pending and deleted ones are readable too. */

import { subscriptionEffectivePolicy } from '#shared/sns-wire'
import type { Action } from '../../action.ts'
import { attributeMap } from '../../attribute-map.ts'
import { readCurrentSubscription } from '../../current-subscription.ts'
import { maskEndpoint } from '../../mask-endpoint.ts'
import { noSuchSubscription, requireOwner, resolveSubscription } from '../../owned-subscription.ts'

export const getSubscriptionAttributes: Action = {
  name: 'GetSubscriptionAttributes',
  signature: 'required',
  async run({ parameters, caller }, { authorize, catalog, clock }) {
    const place = resolveSubscription(parameters.get('SubscriptionArn'), {
      caller,
      action: 'GetSubscriptionAttributes',
      authorize,
    })
    const current = await readCurrentSubscription(catalog, place, clock.now())
    if (current === undefined) throw noSuchSubscription(place, caller)
    const { subscription, topic } = current
    requireOwner(subscription, caller)
    const raw = subscription.rawMessageDelivery === true
    return attributeMap([
      ['SubscriptionPrincipal', subscription.principal],
      ['Owner', subscription.owner],
      ['RawMessageDelivery', String(raw)],
      ['TopicArn', subscription.topicArn],
      ['Endpoint', maskEndpoint(subscription.endpoint)],
      ['Protocol', subscription.protocol],
      ['DeliveryPolicy', subscription.deliveryPolicy],
      [
        'EffectiveDeliveryPolicy',
        subscriptionEffectivePolicy(topic.attributes.deliveryPolicy, subscription.deliveryPolicy, { raw }),
      ],
      ['PendingConfirmation', String(subscription.state === 'pending')],
      ['ConfirmationWasAuthenticated', String(subscription.confirmationWasAuthenticated)],
      ['SubscriptionArn', place.arn],
    ])
  },
}
