/**
 * Unsubscribe: signed by the owner, the subscription is removed; by its link (unsigned), it is
 * marked deleted and the endpoint is told how to restore it, so that a link in the wrong hands does
 * no lasting harm.
 */

import { AuthorizationError, InvalidParameterError, parseSubscriptionArn } from '#shared/sns-wire'
import type { Action } from '../../action.ts'
import { authorize } from '../../authorize.ts'

export const unsubscribe: Action = {
  name: 'Unsubscribe',
  signature: 'optional',
  async run({ parameters, caller }, { catalog, appendConfirmation }) {
    const { topicArn, id, region, account } = parseSubscriptionArn(parameters.get('SubscriptionArn'))
    if (caller !== undefined) {
      if (region !== caller.region) throw new InvalidParameterError('Invalid parameter: SubscriptionArn')
      authorize(caller, 'Unsubscribe', { arn: topicArn, account })
    }
    const subscription = await catalog.readSubscription(topicArn, id)
    if (subscription === undefined) return undefined
    if (subscription.state === 'pending') {
      throw new InvalidParameterError(
        'Invalid parameter: SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending confirmation',
      )
    }
    if (caller !== undefined) {
      await catalog.removeSubscription(topicArn, id)
      return undefined
    }
    if (subscription.confirmationWasAuthenticated) {
      throw new AuthorizationError('This subscription may only be deleted by an authorized user.')
    }
    // A second visit of the link sends nothing: a link must not become a way to flood an endpoint.
    if (subscription.state === 'deleted') return undefined
    const deleted = { ...subscription, state: 'deleted' } as const
    if (await catalog.putSubscription(deleted, { expect: 'present' })) await appendConfirmation(deleted, 'unsubscribe')
    return undefined
  },
}
