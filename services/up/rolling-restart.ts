/**
 * Replaces processes one after another, so that publishers always find a gateway and every partition a worker.
 *
 * A request that comes while one is under way is carried out after it, once, however many they are. The first process
 * that cannot be replaced ends it: what fails for one, a setting or a full disk, most likely fails for all.
 */

import { describeError } from '#shared/errors'
import type { ProcessSlot } from './process-slot.ts'
import type { Progress } from './progress.ts'

export interface RollingRestart {
  request(): void
}

/** @param stop aborts when the stack is being stopped; no process is replaced after that */
export function createRollingRestart({
  slots,
  progress,
  stop,
}: {
  slots: readonly Pick<ProcessSlot, 'name' | 'replace'>[]
  progress: Progress
  stop: AbortSignal
}): RollingRestart {
  let running = false
  let again = false

  const run = async (): Promise<void> => {
    for (const slot of slots) {
      if (stop.aborted) return
      try {
        await progress.step(slot.name, async () => ({ did: 'replaced', value: await slot.replace() }))
      } catch (error) {
        progress.say('up', `${slot.name} could not be replaced, so nothing else is: ${describeError(error).message}`)
        return
      }
    }
  }

  return {
    request() {
      if (running) {
        again = true
        return
      }
      running = true
      progress.say('up', 'replacing gateways and workers, one after another')
      void run().finally(() => {
        running = false
        if (!again || stop.aborted) return
        again = false
        this.request()
      })
    },
  }
}
