/**
 * ConfirmSubscription: by visiting the SubscribeURL (an unsigned GET) or by a signed call.
 *
 * The token alone identifies the subscription. It is derived from a secret that all gateways and
 * workers share, so nothing is looked up that an attacker could have written. Stricter than SNS in
 * one point: the TopicArn must be the token's own topic.
 */

import { type Catalog, type Subscription, subscriptionArnOf } from '#shared/catalog'
import {
  AuthorizationError,
  InvalidParameterError,
  NotFoundError,
  parseTopicArn,
  readConfirmationToken,
} from '#shared/sns-wire'
import type { Action, Caller } from '../../action.ts'
import { authorize } from '../../authorize.ts'
import { readBoolean } from '../../require-parameter.ts'

/** As SNS's tokens look; anything else is malformed rather than unknown. */
const TOKEN_FORM = /^[0-9a-f]{288}$/

export const confirmSubscription: Action = {
  name: 'ConfirmSubscription',
  signature: 'optional',
  async run({ parameters, caller }, { catalog, topics, tokenSecrets, clock }) {
    const topicArn = parseConfirmedTopic(parameters.get('TopicArn'), caller)
    const token = parameters.get('Token') ?? ''
    if (!TOKEN_FORM.test(token)) {
      throw new InvalidParameterError(caller === undefined ? 'Invalid parameter: Token' : 'Invalid token')
    }
    const protect = readBoolean(parameters, 'AuthenticateOnUnsubscribe')
    if (protect && caller === undefined) {
      throw new AuthorizationError('AuthenticateOnUnsubscribe requires a signed request by the subscription owner')
    }
    const topic = await topics.get(topicArn)
    const { subscriptionId } = readConfirmationToken(token, {
      ring: tokenSecrets,
      topicArn,
      incarnation: topic.incarnation,
      now: clock.now(),
    })
    const subscription = await catalog.readSubscription(topicArn, subscriptionId)
    if (subscription === undefined) throw new NotFoundError('Subscription does not exist')
    await confirm(catalog, subscription, { protect, caller })
    return [['SubscriptionArn', subscriptionArnOf(topicArn, subscriptionId)]]
  },
}

async function confirm(
  catalog: Catalog,
  subscription: Subscription,
  { protect, caller }: { protect: boolean; caller: Caller | undefined },
): Promise<void> {
  if (protect && caller?.principal.account !== subscription.owner) {
    throw new AuthorizationError('Not authorized to access this subscription')
  }
  if (subscription.state === 'confirmed') {
    if (!protect) return
    if (subscription.confirmationWasAuthenticated) throw new AuthorizationError('Subscription already confirmed')
  }
  const confirmed: Subscription = {
    ...subscription,
    state: 'confirmed',
    confirmationWasAuthenticated: protect || subscription.confirmationWasAuthenticated,
  }
  const stored = await catalog.putSubscription(confirmed, { expect: 'present' })
  if (!stored) throw new NotFoundError('Subscription does not exist')
}

/** This one action calls the parameter `Topic` in its refusal; recorded from SNS. */
function parseConfirmedTopic(arn: string | undefined, caller: Caller | undefined): string {
  let parsed: ReturnType<typeof parseTopicArn>
  try {
    parsed = parseTopicArn(arn)
  } catch {
    throw new InvalidParameterError('Invalid parameter: Topic')
  }
  if (caller !== undefined) {
    if (parsed.region !== caller.region) throw new InvalidParameterError('Invalid parameter: Topic')
    authorize(caller, 'ConfirmSubscription', parsed)
  }
  return parsed.arn
}
