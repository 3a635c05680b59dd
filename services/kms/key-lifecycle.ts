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

import { LimitExceededError, RotationConflictError } from './errors.ts'
import type { KeyMaterial, RotationType } from './key-material.ts'
import { requireEnabled, requireNotPendingDeletion, requirePendingDeletion } from './key-states.ts'
import type { KmsKey } from './keystore-file.ts'

export type MakeMaterial = (rotationType: RotationType) => KeyMaterial

export const DAY_MS = 86_400_000

/** KMS's quota for the life of a key. */
const MAX_ON_DEMAND_ROTATIONS = 25

/** KMS rotates on demand no more when it is about to by itself. */
const ROTATION_CONFLICT_MS = 20 * 60_000

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

/**
 * Starts automatic rotation, or gives it another period, which counts from now. The same period
 * again moves nothing, so that a caller who repeats it does not put the rotation off for ever.
 *
 * @throws {KeyDisabledError | KeyStateError} when the key is not enabled
 */
export function enableRotation(key: KmsKey, { now, periodDays }: { now: number; periodDays: number }): KmsKey {
  requireEnabled(key)
  if (key.rotation?.periodDays === periodDays) return key
  return { ...key, rotation: { periodDays, nextAt: now + periodDays * DAY_MS } }
}

/** @throws {KeyDisabledError | KeyStateError} when the key is not enabled */
export function disableRotation(key: KmsKey): KmsKey {
  requireEnabled(key)
  if (key.rotation === undefined) return key
  const { rotation: _, ...kept } = key
  return kept
}

/**
 * Rotates at once; when the next automatic rotation comes does not change.
 *
 * @throws {KeyDisabledError | KeyStateError} when the key is not enabled
 * @throws {RotationConflictError} when an automatic rotation is about to come
 * @throws {LimitExceededError} when that has been done as often as may be
 */
export function rotateOnDemand(key: KmsKey, o: { now: number; makeMaterial: MakeMaterial }): KmsKey {
  requireEnabled(key)
  if (key.rotation !== undefined && key.rotation.nextAt - o.now <= ROTATION_CONFLICT_MS) {
    throw new RotationConflictError(`An automatic rotation of the key is due within 20 minutes: ${key.arn}`)
  }
  const rotations = key.materials.filter(({ rotationType }) => rotationType === 'ON_DEMAND')
  if (rotations.length >= MAX_ON_DEMAND_ROTATIONS) {
    throw new LimitExceededError(
      'The on-demand rotations limit has been reached for the given keyId. ' +
        `No more on-demand rotations can be performed for this key: ${key.arn}`,
    )
  }
  return withMaterial(key, o.makeMaterial('ON_DEMAND'))
}

/**
 * Rotates by the calendar what is due. A disabled key and one that is pending deletion are passed
 * over, and rotated when they are enabled again.
 *
 * @returns the same key when nothing is due
 */
export function rotateIfDue(key: KmsKey, o: { now: number; makeMaterial: MakeMaterial }): KmsKey {
  const { rotation, state } = key
  if (rotation === undefined || state !== 'Enabled' || rotation.nextAt > o.now) return key
  const nextAt = o.now + rotation.periodDays * DAY_MS
  return { ...withMaterial(key, o.makeMaterial('AUTOMATIC')), rotation: { ...rotation, nextAt } }
}

function withMaterial(key: KmsKey, current: KeyMaterial): KmsKey {
  return { ...key, materials: [...key.materials.map((old) => ({ ...old, state: 'NON_CURRENT' as const })), current] }
}
