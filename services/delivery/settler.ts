/**
 * Settles entries in batches: whatever became ready while one batch was on its way goes with the next.
 * Under load that is one script call for many entries; when idle nobody waits for company.
 */

import { keepTrying } from './keep-trying.ts'

export interface Settler {
  /** Resolves when the entry is acknowledged and deleted. */
  settle(streamId: string): Promise<void>
}

interface Batch {
  ids: string[]
  done: PromiseWithResolvers<void>
}

/** @param gone aborts when the lease is lost: batches then fail instead of waiting for Redis */
export function createSettler({
  lease,
  gone,
}: {
  lease: { settle(streamIds: readonly string[]): Promise<void> }
  gone: AbortSignal
}): Settler {
  let next: Batch | undefined
  let running = false

  const run = async () => {
    for (let batch = take(); batch !== undefined; batch = take()) {
      const { ids, done } = batch
      await keepTrying(() => lease.settle(ids), gone).then(done.resolve, done.reject)
    }
    running = false
  }
  const take = (): Batch | undefined => {
    const batch = next
    next = undefined
    return batch
  }

  return {
    settle(streamId) {
      next ??= { ids: [], done: Promise.withResolvers<void>() }
      next.ids.push(streamId)
      const { promise } = next.done
      if (!running) {
        running = true
        // After this turn of the event loop: what is answered together is settled together.
        setImmediate(() => void run())
      }
      return promise
    },
  }
}
