/** Rereads pending entries of a partition: those of an earlier holder, and those whose claim's reply was lost. */

import { defineScript } from '#shared/redis'
import type { ClaimedEntry } from './claimed-entry.ts'
import { type Holding, runFenced } from './fenced.ts'
import { CONSUMER, GROUP, keys } from './keys.ts'
import { checkLimit, MAX_ENTRY_BYTES } from './limit.ts'
import { unpackEntries } from './packed-entries.ts'

const script = defineScript(new URL('./reread.lua', import.meta.url))

/** @param afterStreamId `0` for the first page, then the last id of the page before */
export async function reread(holding: Holding, afterStreamId: string, limit: number): Promise<ClaimedEntry[]> {
  checkLimit('reread', limit)
  const args = [GROUP, CONSUMER, limit, afterStreamId, MAX_ENTRY_BYTES]
  return unpackEntries(await runFenced(script, holding, [keys.streamKey(holding.partition)], args))
}
