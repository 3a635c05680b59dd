/**
 * What time brings about in a keystore: the end of waiting periods, and automatic rotations. Pure but
 * for the material it asks for.
 *
 * Compares with what is due rather than counting down, so that it does not matter whether anybody
 * looked at the very instant, or whether the process was running then.
 */

import { type MakeMaterial, rotateIfDue } from './key-lifecycle.ts'
import type { Keystore, KmsKey } from './keystore-file.ts'

export interface DueChanges {
  readonly keys: readonly KmsKey[]
  readonly aliases: Keystore['aliases']
  /** ARNs of the keys that went. */
  readonly deleted: readonly string[]
  /** ARNs of the keys that have new material. */
  readonly rotated: readonly string[]
}

/** @returns undefined when nothing is due */
export function dueChanges(
  { keys, aliases }: Keystore,
  { now, makeMaterial }: { now: number; makeMaterial: (keyArn: string) => MakeMaterial },
): DueChanges | undefined {
  const gone = keys.filter(({ deletionAt = Infinity }) => deletionAt <= now)
  const goneIds = new Set(gone.map(({ id }) => id))
  const rotated: string[] = []
  const kept = keys.filter(({ id }) => !goneIds.has(id))
  const settled = kept.map((key) => {
    const changed = rotateIfDue(key, { now, makeMaterial: makeMaterial(key.arn) })
    if (changed !== key) rotated.push(key.arn)
    return changed
  })
  if (gone.length === 0 && rotated.length === 0) return undefined
  return {
    keys: settled,
    aliases: aliases.filter(({ targetKeyId }) => !goneIds.has(targetKeyId)),
    deleted: gone.map(({ arn }) => arn),
    rotated,
  }
}
