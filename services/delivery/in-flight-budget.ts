/**
 * Bounds how much is in flight at once. Places are taken before work is fetched and given back when
 * it is settled, so that nothing waits in memory.
 *
 * Waiting is in order of asking: a partition with much to do does not starve the others. A budget
 * with a parent also takes its places there.
 *
 * Near the bound places come free one by one, and given out one by one they would make one claim of Redis,
 * one reading of versions and one settlement an entry. So they are collected for a moment into a lot.
 */

/** Given out at once; fewer only after {@link LOT_WAIT_MS}. */
const LOT = 32
const LOT_WAIT_MS = 2

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

  let timer: NodeJS.Timeout | undefined

  const take = (wanted: number): number => {
    const taken = Math.min(free, wanted)
    free -= taken
    return taken
  }

  const giveBack = (places: number) => {
    free += places
    for (let next = waiting[0]; next !== undefined && isLot(next.wanted); next = waiting[0]) {
      waiting.shift()
      next.give(take(next.wanted))
    }
    giveTheRestSoon()
  }

  const isLot = (wanted: number) => free >= Math.min(wanted, LOT)

  const giveTheRestSoon = () => {
    if (timer !== undefined || free === 0 || waiting.length === 0) return
    timer = setTimeout(() => {
      timer = undefined
      if (free > 0) {
        const next = waiting.shift()
        next?.give(take(next.wanted))
      }
      giveTheRestSoon()
    }, LOT_WAIT_MS)
  }

  const takeOwn = (wanted: number, signal: AbortSignal): number | Promise<number> => {
    if (signal.aborted) return 0
    if (waiting.length === 0 && isLot(wanted)) return take(wanted)
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
      giveTheRestSoon()
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
