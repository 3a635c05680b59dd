/**
 * Subscriptions that nobody confirmed do not stay: three days after the last Subscribe they are gone.
 *
 * Nothing runs at that moment. Whoever meets one treats it as absent, and gateways remove it then. A subscription outlives
 * its tokens, which are good for two days from their own issue.
 */

import type { Subscription } from './records.ts'

/** How long a subscription waits for its confirmation. Amazon SNS API reference, ConfirmSubscription. */
export const PENDING_MS = 3 * 24 * 60 * 60 * 1000

/** When a pending one began to wait, in epoch ms. */
export function pendingSinceOf({ pendingSince, createdAt }: Pick<Subscription, 'pendingSince' | 'createdAt'>): number {
  return pendingSince ?? createdAt
}

/** Whether it counts as absent. Pure. */
export function isExpired(
  subscription: Pick<Subscription, 'state' | 'pendingSince' | 'createdAt'>,
  now: number,
): boolean {
  return subscription.state === 'pending' && now - pendingSinceOf(subscription) >= PENDING_MS
}
