/**
 * Principal + action + resource → allowed, or AuthorizationError. For now one rule: a principal may
 * do anything in its own account and nothing in another. Runs before any look-up, so that a foreign
 * caller does not learn which topics exist.
 */

import { AuthorizationError } from '#shared/sns-wire'
import type { Caller } from './action.ts'

/** @param resource the topic ARN, also for actions on subscriptions (SNS authorises those on the topic) */
export function authorize(caller: Caller, action: string, resource: { arn: string; account: string }): void {
  const allowed = caller.principal.account === resource.account
  if (caller.notes !== undefined) {
    caller.notes.resource = resource.arn
    caller.notes.decision = { allowed, ...(allowed ? {} : { reason: 'no-resource-allow' }) }
  }
  if (allowed) return
  throw new AuthorizationError(
    `User: ${caller.principal.arn} is not authorized to perform: SNS:${action} on resource: ${resource.arn} ` +
      `because no resource-based policy allows the SNS:${action} action`,
  )
}
