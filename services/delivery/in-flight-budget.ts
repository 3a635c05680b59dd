/**
 * Bounds how much is in flight at once. Places are taken before work is fetched and given back when
 * it is settled, so that nothing waits in memory.
 *
 * Waiting is in order of asking: a partition with much to do does not starve the others. A budget
 * with a parent also takes its places there.
 */

export interface Budget {
  /**
   * Takes places, as many as are free up to `wanted`; waits while there is none.
   *
   * @returns how many were taken; 0 only when `signal` aborted
   */
  reserve(wanted: number, signal: AbortSignal): Promise<number>
  release(places: number): void
}

export function createBudget({ capacity, parent }: { capacity: number; parent?: Budget }): Budget {
  let free = capacity
  const waiting: { wanted: number; give: (places: number) => void }[] = []

  const giveBack = (places: number) => {
    free += places
    while (free > 0) {
      const next = waiting.shift()
      if (next === undefined) return
      const taken = Math.min(free, next.wanted)
      free -= taken
      next.give(taken)
    }
  }

  const takeOwn = (wanted: number, signal: AbortSignal): number | Promise<number> => {
    if (signal.aborted) return 0
    if (free > 0 && waiting.length === 0) {
      const taken = Math.min(free, wanted)
      free -= taken
      return taken
    }
    return new Promise((resolve) => {
      const entry = {
        wanted,
        give: (places: number) => {
          signal.removeEventListener('abort', leave)
          resolve(places)
        },
      }
      const leave = () => {
        waiting.splice(waiting.indexOf(entry), 1)
        resolve(0)
      }
      signal.addEventListener('abort', leave, { once: true })
      waiting.push(entry)
    })
  }

  return {
    async reserve(wanted, signal) {
      const own = await takeOwn(wanted, signal)
      if (own === 0 || parent === undefined) return own
      const taken = await parent.reserve(own, signal)
      if (taken < own) giveBack(own - taken)
      return taken
    },
    release(places) {
      giveBack(places)
      parent?.release(places)
    },
  }
}
