/**
 * Who may do what. For now every key has KMS's default policy and every user all permissions in
 * the own account: the key's account may use it, nobody else. AWS managed keys have a policy of their
 * own (aws-managed-keys.ts), asked for here so that no action has to think of it.
 *
 * The broker is no user of keys: for a publisher it may do only what sealing and opening need and ask
 * what key a name means, and for itself nothing but ReEncrypt, in its own account, which shows it no plaintext: a retired key's messages
 * must be carried over when their publishers are gone. SNS demands of a publisher both GenerateDataKey and Decrypt; under the default
 * policy whoever may do the one may do the other, so that one look at the account decides both.
 *
 * Other accounts get the same answer for a key that exists and for one that does not.
 */

import type { Identity } from './authenticate.ts'
import { isAllowedOnManagedKey } from './aws-managed-keys.ts'
import { AccessDeniedError } from './errors.ts'
import type { Grants } from './grants/grant-store.ts'
import { findMatchingGrant } from './grants/matching-grant.ts'
import type { Caller, KeyUse, UsedKey } from './key-use.ts'

/** What the broker may ask for a publisher. */
const BROKER_OPERATIONS: ReadonlySet<string> = new Set(['GenerateDataKey', 'Decrypt', 'ReEncrypt', 'DescribeKey'])

/** What it may ask in its own name. */
const BROKER_OWN_OPERATIONS: ReadonlySet<string> = new Set(['ReEncrypt'])

/**
 * Decides whether the operation may be asked for at all, and in whose name.
 *
 * @throws {AccessDeniedError}
 */
export function authorizeOperation(identity: Identity, operation: string): Caller {
  const { region } = identity
  const own = { arn: identity.arn, account: identity.account, region, viaService: false }
  if (identity.kind === 'user') return own
  const allowed = identity.onBehalfOf === undefined ? BROKER_OWN_OPERATIONS : BROKER_OPERATIONS
  if (!allowed.has(operation)) {
    throw new AccessDeniedError(
      `User: ${identity.arn} is not authorized to perform: kms:${operation} ` +
        `because no identity-based policy allows the kms:${operation} action`,
    )
  }
  return { ...own, ...identity.onBehalfOf, viaService: identity.onBehalfOf !== undefined }
}

/**
 * Decides whether the caller may use this key; asked once all of `use` is known, for a key that does not exist too.
 *
 * @throws {AccessDeniedError}
 */
export function authorizeKey(
  { caller, keyStore }: { caller: Caller; keyStore: { readonly grants: Grants } },
  key: UsedKey,
  use: KeyUse,
): void {
  const { permission } = use
  const isOwn = caller.account === key.account
  const allowed =
    (isOwn && (key.manager !== 'AWS' || isAllowedOnManagedKey(permission, caller))) ||
    findMatchingGrant(key, { caller, use, grants: keyStore.grants }) !== undefined
  if (caller.notes !== undefined) {
    caller.notes.resource = key.arn
    caller.notes.decision = { allowed, ...(allowed ? {} : { reason: 'no-resource-allow' }) }
  }
  if (allowed) return
  throw new AccessDeniedError(
    `User: ${caller.arn} is not authorized to perform: kms:${permission} on resource: ${key.arn} ` +
      `because no resource-based policy allows the kms:${permission} action`,
  )
}
