/**
 * What time brings about in a keystore: the end of waiting periods. Pure.
 *
 * Compares with what is due rather than counting down, so that it does not matter whether anybody
 * looked at the very instant, or whether the process was running then.
 */

import type { Keystore, KmsKey } from './keystore-file.ts'

export interface DueChanges {
  readonly keys: readonly KmsKey[]
  readonly aliases: Keystore['aliases']
  /** ARNs of the keys that went. */
  readonly deleted: readonly string[]
}

/** @returns undefined when nothing is due */
export function dueChanges({ keys, aliases }: Keystore, now: number): DueChanges | undefined {
  const gone = new Set(keys.filter(({ deletionAt = Infinity }) => deletionAt <= now))
  if (gone.size === 0) return undefined
  const goneIds = new Set(Array.from(gone, ({ id }) => id))
  return {
    keys: keys.filter((key) => !gone.has(key)),
    aliases: aliases.filter(({ targetKeyId }) => !goneIds.has(targetKeyId)),
    deleted: Array.from(gone, ({ arn }) => arn),
  }
}
