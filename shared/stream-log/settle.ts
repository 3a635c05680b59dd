/** Settles entries: nothing more has to be done for them. Settling twice does no harm. */

import { defineScript } from '#shared/redis'
import { type Holding, runFenced } from './fenced.ts'
import { GROUP, keys } from './keys.ts'

const script = defineScript(new URL('./settle.lua', import.meta.url))

/** Ids a script: Lua unpacks a few thousand at most, and a long script holds up everybody. */
const IDS_A_SCRIPT = 500

export async function settle(holding: Holding, streamIds: readonly string[]): Promise<void> {
  for (let at = 0; at < streamIds.length; at += IDS_A_SCRIPT) {
    const ids = streamIds.slice(at, at + IDS_A_SCRIPT)
    await runFenced(script, holding, [keys.streamKey(holding.partition)], [GROUP, ...ids])
  }
}
