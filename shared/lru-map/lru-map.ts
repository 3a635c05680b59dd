/**
 * A map that holds at most `capacity` entries and drops the one used longest ago.
 *
 * A Map keeps insertion order; each use inserts anew, so the first entry is always the stalest.
 */

export interface LruMap<V> {
  readonly size: number
  /** Counts as a use. */
  get(key: string): V | undefined
  set(key: string, value: V): void
  delete(key: string): void
  /** From the one used longest ago to the last used. Entries may be deleted on the way. */
  entries(): IterableIterator<[key: string, value: V]>
}

/** @param onDrop gets what had to make room; not what was deleted or written anew */
export function createLruMap<V>(capacity: number, onDrop?: (dropped: V) => void): LruMap<V> {
  const map = new Map<string, V>()
  /** Spares the key that is asked for again and again its way from the end to the end. */
  let newest: string | undefined
  return {
    get size() {
      return map.size
    },
    get(key) {
      const value = map.get(key)
      if (value === undefined || key === newest) return value
      newest = key
      map.delete(key)
      map.set(key, value)
      return value
    },
    set(key, value) {
      if (key !== newest) map.delete(key)
      newest = key
      map.set(key, value)
      if (map.size <= capacity) return
      for (const [oldest, dropped] of map) {
        map.delete(oldest)
        onDrop?.(dropped)
        return
      }
    },
    delete: (key) => void map.delete(key),
    entries: () => map.entries(),
  }
}
