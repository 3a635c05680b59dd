/**
 * What can happen to a key, each as a function from the key as it is to the key as it will be. Pure:
 * time and new material are arguments. A refusal throws; the same key returned means that nothing changes.
 *
 * ```text
 *              ┌── DisableKey ──▶ Disabled ◀── CancelKeyDeletion ──┐
 * CreateKey ▶ Enabled ◀─ EnableKey ─┘ └──── ScheduleKeyDeletion ──▶ PendingDeletion ── deletionAt ──▶ gone
 *                └────────────────────────── ScheduleKeyDeletion ──────┘
 * ```
 */

import { requireNotPendingDeletion, requirePendingDeletion } from './key-states.ts'
import type { KmsKey } from './keystore-file.ts'

export const DAY_MS = 86_400_000

/** @throws {KeyStateError} when the key is pending deletion */
export function switchKey(key: KmsKey, state: 'Enabled' | 'Disabled'): KmsKey {
  requireNotPendingDeletion(key)
  return key.state === state ? key : { ...key, state }
}

/** @throws {KeyStateError} when the key is pending deletion already: the period is not to be changed */
export function scheduleDeletion(key: KmsKey, o: { now: number; windowDays: number }): KmsKey {
  requireNotPendingDeletion(key)
  return { ...key, state: 'PendingDeletion', deletionAt: o.now + o.windowDays * DAY_MS }
}

/** @throws {KeyStateError} when the key is not pending deletion */
export function cancelDeletion(key: KmsKey): KmsKey {
  requirePendingDeletion(key)
  const { deletionAt: _, ...kept } = key
  return { ...kept, state: 'Disabled' }
}
