/**
 * Unsubscribe: signed by the owner, the subscription is removed. By its link (unsigned), or signed by anybody else who may, it
 * is marked deleted and the endpoint is told how to restore it, so that a link in the wrong hands does no lasting harm.
 *
 * A subscription that was confirmed under AuthenticateOnUnsubscribe is ended by its owner and by the topic's, nobody else.
 */

import type { Subscription } from '#shared/catalog'
import { AuthorizationError, InvalidParameterError, parseSubscriptionArn } from '#shared/sns-wire'
import type { Action } from '../../action.ts'
import { changeSubscription, removeSubscription } from '../../change-subscription.ts'
import { readCurrentSubscription } from '../../current-subscription.ts'

export const unsubscribe: Action = {
  name: 'Unsubscribe',
  signature: 'optional',
  async run({ parameters, caller }, { authorize, catalog, appendConfirmation, clock }) {
    const { topicArn, id, region, account } = parseSubscriptionArn(parameters.get('SubscriptionArn'))
    const place = { topicArn, id, now: clock.now() }
    if (caller !== undefined) {
      if (region !== caller.region) throw new InvalidParameterError('Invalid parameter: SubscriptionArn')
      authorize(caller, 'Unsubscribe', { arn: topicArn, account })
      // An owner never changes, so that what was read before still holds.
      const current = await readCurrentSubscription(catalog, place, place.now)
      if (current?.subscription.owner === caller.principal.account) {
        await removeSubscription(catalog, place, refusePending)
        return undefined
      }
    }
    const ownsTopic = caller?.principal.account === account
    // A second visit of the link sends nothing: a link must not become a way to flood an endpoint.
    let isFirstVisit = false
    const subscription = await changeSubscription(catalog, place, (current) => {
      refusePending(current)
      if (current.confirmationWasAuthenticated && !ownsTopic) {
        throw new AuthorizationError('This subscription may only be deleted by an authorized user.')
      }
      isFirstVisit = current.state === 'confirmed'
      return isFirstVisit ? { ...current, state: 'deleted' } : undefined
    })
    if (subscription !== undefined && isFirstVisit) await appendConfirmation(subscription, 'unsubscribe')
    return undefined
  },
}

function refusePending({ state }: Subscription): void {
  if (state !== 'pending') return
  throw new InvalidParameterError(
    'Invalid parameter: SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending confirmation',
  )
}
