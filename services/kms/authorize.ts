/**
 * Who may do what. For now every key has KMS's default policy and every user all permissions in
 * the own account: the key's account may use it, nobody else.
 *
 * The broker is no user of keys: for itself it may do nothing, and for a publisher only what sealing
 * and opening need. SNS demands of a publisher both GenerateDataKey and Decrypt; under the default
 * policy whoever may do the one may do the other, so that one look at the account decides both.
 *
 * Other accounts get the same answer for a key that exists and for one that does not.
 */

import type { Identity } from './authenticate.ts'
import { AccessDeniedError } from './errors.ts'
import type { Place } from './key-identifier.ts'

/** The principal whose permissions count, and where bare key ids and aliases are looked up. */
export interface Caller extends Place {
  readonly arn: string
}

/** What the broker may ask for a publisher. */
const BROKER_OPERATIONS: ReadonlySet<string> = new Set(['GenerateDataKey', 'Decrypt'])

/**
 * Decides whether the operation may be asked for at all, and in whose name.
 *
 * @throws {AccessDeniedError}
 */
export function authorizeOperation(identity: Identity, operation: string): Caller {
  const { region } = identity
  if (identity.kind === 'user') return { arn: identity.arn, account: identity.account, region }
  if (identity.onBehalfOf === undefined || !BROKER_OPERATIONS.has(operation)) {
    throw new AccessDeniedError(
      `User: ${identity.arn} is not authorized to perform: kms:${operation} ` +
        `because no identity-based policy allows the kms:${operation} action`,
    )
  }
  return { ...identity.onBehalfOf, region }
}

/**
 * Decides whether the caller may use this key for the operation, before it is known whether the key exists.
 *
 * @param key account and ARN of a key or alias
 * @throws {AccessDeniedError}
 */
export function authorizeKey(caller: Caller, operation: string, key: { account: string; arn: string }): void {
  if (caller.account === key.account) return
  throw new AccessDeniedError(
    `User: ${caller.arn} is not authorized to perform: kms:${operation} on resource: ${key.arn} ` +
      `because no resource-based policy allows the kms:${operation} action`,
  )
}
