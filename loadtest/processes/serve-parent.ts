/** The other end of harness/helper.ts: answers calls, and ends when the parent is gone. */

import type { Calls } from '../harness/helper.ts'

export function serveParent(calls: Calls): void {
  process.on('disconnect', () => process.exit(0))
  process.on('message', async ({ id, name, argument }: { id: number; name: string; argument: unknown }) => {
    try {
      process.send?.({ id, value: await calls[name]?.(argument) })
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  })
}
