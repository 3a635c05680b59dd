/**
 * Bounds the label `key` of KMS requests.
 *
 * Accounts have few KMS keys, but whoever may create a topic can name any number that do not exist. So names that KMS
 * has not confirmed by an answer have only a part of the places, and cannot crowd out the keys that are used.
 */

import { OTHER } from '#shared/metrics'

/** Distinct keys, beside `other`. */
const MAX_KEYS = 100
/** Of these, named by requests that failed. */
const MAX_UNCONFIRMED = 50

/** @returns the label for a key that was asked for; `isConfirmed` when KMS answered with it */
export function boundKeyLabels(): (key: string, isConfirmed: boolean) => string {
  const known = new Set<string>()
  let unconfirmed = 0
  return (key, isConfirmed) => {
    if (known.has(key)) return key
    if (known.size >= MAX_KEYS) return OTHER
    if (!isConfirmed && unconfirmed >= MAX_UNCONFIRMED) return OTHER
    if (!isConfirmed) unconfirmed++
    known.add(key)
    return key
  }
}
