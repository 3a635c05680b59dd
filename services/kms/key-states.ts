/**
 * Which states of a key an operation can bear, with KMS's refusals. Pure.
 *
 * | demand | Disabled | PendingDeletion | operations |
 * |---|---|---|---|
 * | `requireEnabled` | DisabledException | KMSInvalidStateException | everything cryptographic, EnableKeyRotation, DisableKeyRotation, RotateKeyOnDemand |
 * | `requireNotPendingDeletion` | | KMSInvalidStateException | whatever else changes a key, ScheduleKeyDeletion |
 * | `requirePendingDeletion` | KMSInvalidStateException | | CancelKeyDeletion |
 * | none | | | reading, DeleteAlias |
 *
 * A change asks within the line of changes (key-store.ts): asked before it, a key could meanwhile have
 * been scheduled for deletion, and would be revived.
 */

import { KeyDisabledError, KeyStateError } from './errors.ts'
import type { KmsKey } from './keystore-file.ts'

/**
 * @throws {KeyDisabledError} when the key is switched off
 * @throws {KeyStateError} when it is pending deletion
 */
export function requireEnabled(key: KmsKey): void {
  requireNotPendingDeletion(key)
  if (key.state === 'Disabled') throw new KeyDisabledError(`${key.arn} is disabled.`)
}

/** @throws {KeyStateError} when the key is pending deletion */
export function requireNotPendingDeletion({ arn, state }: KmsKey): void {
  if (state === 'PendingDeletion') throw new KeyStateError(`${arn} is pending deletion.`)
}

/** @throws {KeyStateError} when the key is not pending deletion */
export function requirePendingDeletion({ arn, state }: KmsKey): void {
  if (state !== 'PendingDeletion') throw new KeyStateError(`${arn} is not pending deletion.`)
}
