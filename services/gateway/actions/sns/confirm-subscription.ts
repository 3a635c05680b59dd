/**
 * ConfirmSubscription: by visiting the SubscribeURL (an unsigned GET) or by a signed call.
 *
 * The token alone identifies the subscription. It is derived from a secret that all gateways and
 * workers share, so nothing is looked up that an attacker could have written. Stricter than SNS in
 * one point: the TopicArn must be the token's own topic.
 */

import { type Subscription, subscriptionArnOf } from '#shared/catalog'
import {
  AuthorizationError,
  InvalidParameterError,
  NotFoundError,
  parseTopicArn,
  readConfirmationToken,
  type TopicArn,
} from '#shared/sns-wire'
import type { Action } from '../../action.ts'
import type { Caller } from '../../caller.ts'
import { changeSubscription } from '../../change-subscription.ts'
import { readBoolean } from '../../require-parameter.ts'

/** As SNS's tokens look; anything else is malformed rather than unknown. */
const TOKEN_FORM = /^[0-9a-f]{288}$/

export const confirmSubscription: Action = {
  name: 'ConfirmSubscription',
  signature: 'optional',
  async run({ parameters, caller }, { authorize, catalog, topics, tokenSecrets, clock }) {
    const { arn: topicArn, account } = parseConfirmedTopic(parameters.get('TopicArn'), caller)
    if (caller !== undefined) authorize(caller, 'ConfirmSubscription', { arn: topicArn, account })
    const token = parameters.get('Token') ?? ''
    if (!TOKEN_FORM.test(token)) {
      throw new InvalidParameterError(caller === undefined ? 'Invalid parameter: Token' : 'Invalid token')
    }
    const protect = readBoolean(parameters, 'AuthenticateOnUnsubscribe')
    if (protect && caller === undefined) {
      throw new AuthorizationError('AuthenticateOnUnsubscribe requires a signed request by the subscription owner')
    }
    const topic = await topics.find(topicArn)
    // Not "no such topic": whoever has no token would learn which topics exist.
    if (topic === undefined) throw new InvalidParameterError('Invalid parameter: Token')
    const now = clock.now()
    const { subscriptionId } = readConfirmationToken(token, {
      ring: tokenSecrets,
      topicArn,
      incarnation: topic.incarnation,
      now,
    })
    const subscription = await changeSubscription(catalog, { topicArn, id: subscriptionId, now }, (current) =>
      confirmed(current, { protect, caller }),
    )
    if (subscription === undefined) throw new NotFoundError('Subscription does not exist')
    return [['SubscriptionArn', subscriptionArnOf(topicArn, subscriptionId)]]
  },
}

/** The subscription as this call makes it, or undefined when it is so already. */
function confirmed(
  current: Subscription,
  { protect, caller }: { protect: boolean; caller: Caller | undefined },
): Subscription | undefined {
  if (protect && caller?.principal.account !== current.owner) {
    throw new AuthorizationError('Not authorized to access this subscription')
  }
  if (current.state === 'confirmed') {
    if (!protect) return undefined
    if (current.confirmationWasAuthenticated) throw new AuthorizationError('Subscription already confirmed')
  }
  const confirmationWasAuthenticated = protect || current.confirmationWasAuthenticated
  const { pendingSince: _, ...rest } = current
  return { ...rest, state: 'confirmed', confirmationWasAuthenticated }
}

/** This one action calls the parameter `Topic` in its refusal; recorded from SNS. */
function parseConfirmedTopic(arn: string | undefined, caller: Caller | undefined): TopicArn {
  let parsed: TopicArn
  try {
    parsed = parseTopicArn(arn)
  } catch {
    throw new InvalidParameterError('Invalid parameter: Topic')
  }
  if (caller !== undefined && parsed.region !== caller.region) {
    throw new InvalidParameterError('Invalid parameter: Topic')
  }
  return parsed
}
