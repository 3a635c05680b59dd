/** Puts an entry aside whose integrity failed: kept for whoever investigates, never delivered. */

import { defineScript } from '#shared/redis'
import { type Holding, runFenced } from './fenced.ts'
import { GROUP, keys } from './keys.ts'
import { MAX_ENTRY_BYTES } from './limit.ts'

const script = defineScript(new URL('./quarantine.lua', import.meta.url))

/**
 * @param source the stream it lies in: the partition's, or one of held messages, which has no group to acknowledge it to
 * @param reason an error's code, e.g. `RECORD_FORGED`
 */
export async function quarantine(
  holding: Holding,
  { streamId, source }: { streamId: string; source: string },
  reason: string,
): Promise<void> {
  const args = [GROUP, streamId, reason, MAX_ENTRY_BYTES]
  await runFenced(script, holding, [source, keys.quarantineKey(holding.partition)], args)
}
