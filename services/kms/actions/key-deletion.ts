/**
 * ScheduleKeyDeletion and CancelKeyDeletion: a key is of no use from the first, gone at the end of
 * the waiting period with its material and aliases, and switched off after the second.
 */

import { cancelDeletion, scheduleDeletion } from '../key-lifecycle.ts'
import { type Action, KEY_ID_RULES, resolveKey, toSeconds } from './action.ts'

/** KMS's limits and default, in days. */
const WINDOW = { min: 7, max: 30 } as const
const DEFAULT_WINDOW_DAYS = 30

export const scheduleKeyDeletion: Action = async (request) => {
  const { keyId, windowDays } = request.readMembers((read) => ({
    keyId: read.requiredText('KeyId', KEY_ID_RULES),
    windowDays: read.integer('PendingWindowInDays', WINDOW) ?? DEFAULT_WINDOW_DAYS,
  }))
  const conditions = new Map([['kms:schedulekeydeletionpendingwindowindays', String(windowDays)]])
  const { arn } = resolveKey(keyId, request, { aliases: false, conditions })
  const key = await request.keyStore.changeKey(arn, (current, { now }) =>
    scheduleDeletion(current, { now, windowDays }),
  )
  return {
    KeyId: arn,
    DeletionDate: key.deletionAt === undefined ? undefined : toSeconds(key.deletionAt),
    KeyState: key.state,
    PendingWindowInDays: windowDays,
  }
}

export const cancelKeyDeletion: Action = async (request) => {
  const keyId = request.readMembers((read) => read.requiredText('KeyId', KEY_ID_RULES))
  const { arn } = resolveKey(keyId, request, { aliases: false })
  await request.keyStore.changeKey(arn, cancelDeletion)
  return { KeyId: arn }
}
