/**
 * A SubscriptionArn parameter → what the caller may read or change: well formed, of the request's region, allowed on
 * its topic; and, once it was read, the caller's own.
 */

import type { Subscription } from '#shared/catalog'
import { AuthorizationError, InvalidParameterError, parseSubscriptionArn } from '#shared/sns-wire'
import type { Caller } from './action.ts'
import { authorize } from './authorize.ts'
import type { SubscriptionPlace } from './current-subscription.ts'

/**
 * @throws {InvalidParameterError} malformed or of another region
 * @throws {AuthorizationError} of a topic the caller may not act on
 */
export function resolveSubscription(
  arn: string | undefined,
  { caller, action }: { caller: Caller; action: string },
): SubscriptionPlace & { arn: string } {
  const parsed = parseSubscriptionArn(arn)
  if (parsed.region !== caller.region) throw new InvalidParameterError('Invalid parameter: SubscriptionArn')
  authorize(caller, action, { arn: parsed.topicArn, account: parsed.account })
  return { arn: parsed.arn, topicArn: parsed.topicArn, id: parsed.id }
}

/** @throws {AuthorizationError} when it is somebody else's */
export function requireOwner({ owner }: Subscription, caller: Caller): void {
  if (owner === caller.principal.account) return
  throw new AuthorizationError('Not authorized to access this subscription')
}
