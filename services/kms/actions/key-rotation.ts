/**
 * EnableKeyRotation, DisableKeyRotation, GetKeyRotationStatus and RotateKeyOnDemand: new material for
 * a key, by the calendar or at once. Old material stays, so that every old ciphertext opens; no
 * ciphertext and no data key is touched.
 */

import { disableRotation, enableRotation, rotateOnDemand } from '../key-lifecycle.ts'
import { type Action, KEY_ID_RULES, resolveKey, toSeconds } from './action.ts'

/** KMS's limits and default, in days. */
const PERIOD = { min: 90, max: 2560 } as const
const DEFAULT_PERIOD_DAYS = 365

export const enableKeyRotation: Action = async (request) => {
  const { keyId, periodDays } = request.readMembers((read) => ({
    keyId: read.requiredText('KeyId', KEY_ID_RULES),
    periodDays: read.integer('RotationPeriodInDays', PERIOD) ?? DEFAULT_PERIOD_DAYS,
  }))
  const conditions = new Map([['kms:rotationperiodindays', String(periodDays)]])
  const { arn } = resolveKey(keyId, request, { aliases: false, conditions })
  await request.keyStore.changeKey(arn, (key, { now }) => enableRotation(key, { now, periodDays }))
  return undefined
}

export const disableKeyRotation: Action = async (request) => {
  const keyId = request.readMembers((read) => read.requiredText('KeyId', KEY_ID_RULES))
  const { arn } = resolveKey(keyId, request, { aliases: false })
  await request.keyStore.changeKey(arn, disableRotation)
  return undefined
}

export const getKeyRotationStatus: Action = (request) => {
  const keyId = request.readMembers((read) => read.requiredText('KeyId', KEY_ID_RULES))
  const { arn, state, rotation } = resolveKey(keyId, request, { aliases: false })
  // Suspended rather than off while the key waits for its deletion: there again when that is cancelled.
  if (rotation === undefined || state === 'PendingDeletion') return { KeyId: arn, KeyRotationEnabled: false }
  return {
    KeyId: arn,
    KeyRotationEnabled: true,
    RotationPeriodInDays: rotation.periodDays,
    NextRotationDate: toSeconds(rotation.nextAt),
  }
}

/** Answered when the new material is in use; KMS itself takes a while for that. */
export const rotateKeyOnDemand: Action = async (request) => {
  const keyId = request.readMembers((read) => read.requiredText('KeyId', KEY_ID_RULES))
  const { arn } = resolveKey(keyId, request, { aliases: false })
  await request.keyStore.changeKey(arn, rotateOnDemand)
  return { KeyId: arn }
}
