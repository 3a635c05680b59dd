/** Claims new entries of a partition. */

import { defineScript } from '#shared/redis'
import type { ClaimedEntry } from './claimed-entry.ts'
import { type Holding, runFenced } from './fenced.ts'
import { CONSUMER, GROUP, keys } from './keys.ts'
import { checkLimit, MAX_ENTRY_BYTES } from './limit.ts'
import { unpackEntries } from './packed-entries.ts'

const script = defineScript(new URL('./claim.lua', import.meta.url))

/** @returns the entries, and the id delivered last: later ones are still to come */
export async function claim(
  holding: Holding,
  limit: number,
  onResend?: () => void,
): Promise<{ entries: ClaimedEntry[]; lastDeliveredId: string }> {
  checkLimit('claim', limit)
  const args = [GROUP, CONSUMER, limit, MAX_ENTRY_BYTES]
  const reply = await runFenced(script, holding, [keys.streamKey(holding.partition)], args, onResend)
  const [list, lastDeliveredId]: unknown[] = Array.isArray(reply) ? reply : []
  const entries = unpackEntries(list)
  return { entries, lastDeliveredId: entries.at(-1)?.streamId ?? String(lastDeliveredId) }
}
