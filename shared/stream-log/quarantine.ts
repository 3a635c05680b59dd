/** Puts an entry aside whose integrity failed: kept for whoever investigates, never delivered. */

import { defineScript } from '#shared/redis'
import type { ClaimedEntry } from './claimed-entry.ts'
import { type Holding, runFenced } from './fenced.ts'
import { GROUP, keys } from './keys.ts'
import { MAX_ENTRY_BYTES } from './limit.ts'

const script = defineScript(new URL('./quarantine.lua', import.meta.url))

/** @param reason an error's code, e.g. `RECORD_FORGED` */
export async function quarantine(holding: Holding, claimed: ClaimedEntry, reason: string): Promise<void> {
  const { partition } = holding
  const args = [GROUP, claimed.streamId, reason, MAX_ENTRY_BYTES]
  await runFenced(script, holding, [keys.streamKey(partition), keys.quarantineKey(partition)], args)
}
