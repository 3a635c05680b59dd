/**
 * A SubscriptionArn parameter → what the caller may read or change: well formed, of the request's region, allowed on
 * its topic; and, once it was read, the caller's own.
 */

import type { Subscription } from '#shared/catalog'
import type { BrokerError } from '#shared/errors'
import { AuthorizationError, InvalidParameterError, NotFoundError, parseSubscriptionArn } from '#shared/sns-wire'
import type { Authorize } from './authorize.ts'
import type { Caller } from './caller.ts'
import type { SubscriptionPlace } from './current-subscription.ts'

/**
 * @throws {InvalidParameterError} malformed or of another region
 * @throws {AuthorizationError} of a topic on whose subscriptions the caller may not act by its own policies
 */
export function resolveSubscription(
  arn: string | undefined,
  o: {
    caller: Caller
    action: 'GetSubscriptionAttributes' | 'SetSubscriptionAttributes'
    authorize: Authorize
  },
): SubscriptionPlace & { arn: string; account: string } {
  const parsed = parseSubscriptionArn(arn)
  if (parsed.region !== o.caller.region) throw new InvalidParameterError('Invalid parameter: SubscriptionArn')
  o.authorize(o.caller, o.action, { arn: parsed.topicArn, account: parsed.account })
  return { arn: parsed.arn, account: parsed.account, topicArn: parsed.topicArn, id: parsed.id }
}

/** @throws {AuthorizationError} when it is somebody else's */
export function requireOwner({ owner }: Subscription, caller: Caller): void {
  if (owner !== caller.principal.account) throw notTheirs()
}

/** What to say where there is none: of another account's topic the same as of a subscription that is somebody else's. */
export function noSuchSubscription({ account }: { account: string }, caller: Caller): BrokerError {
  return account === caller.principal.account ? new NotFoundError('Subscription does not exist') : notTheirs()
}

function notTheirs(): AuthorizationError {
  return new AuthorizationError('Not authorized to access this subscription')
}
