/** SetSubscriptionAttributes: changes one attribute of a subscription, in any of its states. */

import type { Action } from '../../action.ts'
import { changeSubscription } from '../../change-subscription.ts'
import { noSuchSubscription, requireOwner, resolveSubscription } from '../../owned-subscription.ts'
import { requireParameter } from '../../require-parameter.ts'
import { setSubscriptionAttribute, subscriptionAttributesAgree } from '../../subscription-attributes.ts'

export const setSubscriptionAttributes: Action = {
  name: 'SetSubscriptionAttributes',
  signature: 'required',
  async run({ parameters, caller }, { authorize, catalog, clock }) {
    const place = resolveSubscription(parameters.get('SubscriptionArn'), {
      caller,
      action: 'SetSubscriptionAttributes',
      authorize,
    })
    const name = requireParameter(parameters, 'AttributeName')
    const value = parameters.get('AttributeValue') ?? ''
    const changed = await changeSubscription(catalog, { ...place, now: clock.now() }, (current) => {
      requireOwner(current, caller)
      const wanted = setSubscriptionAttribute(current, name, value)
      // Each change has the workers read the topic again.
      return subscriptionAttributesAgree([[name, value]], wanted, current) ? undefined : wanted
    })
    if (changed === undefined) throw noSuchSubscription(place, caller)
    return undefined
  },
}
