/** How often something can be done in a while, over items in turn. */

/** Between two looks at the clock. */
const CHUNK = 64

/** @returns how often a second `work` was done */
export function rateOf<T>(seconds: number, items: readonly T[], work: (item: T) => void): number {
  const startedAt = performance.now()
  const until = startedAt + seconds * 1000
  let count = 0
  while (performance.now() < until) {
    for (let each = 0; each < CHUNK; each++) {
      const item = items[count++ % items.length]
      if (item !== undefined) work(item)
    }
  }
  return count / ((performance.now() - startedAt) / 1000)
}
