/**
 * What this worker should do about its partitions, from who is alive and whose leases are held: which to give
 * back, which to take, which to look at. Decides only; partition-pool.ts does it.
 *
 * A partition goes to the worker it is assigned to. Since nobody authenticates the list of workers, an assignee need
 * not exist: a partition that stays free for `graceMs` is taken by whoever sees that, and kept from the same
 * assignee for a while. So a worker that is only believed in delays its partitions once, and stops none.
 */

import { assignPartitions } from './assign-partitions.ts'

/** How long a partition that its assignee did not take is kept from it. */
const KEPT_FROM_ASSIGNEE_MS = 600_000

/** Spread over workers that all see the same free partitions, so that none gets all of them. */
const GRACE_SPREAD_MS = 1_000

/** Between Redis's measuring of a lease and our reading of the answer. */
const MEASURING_MS = 50

/** `assigned`: it is ours. `expired`: ours, and its last holder let it run out. `unclaimed`: its assignee let it lie. */
export type TakeReason = 'assigned' | 'expired' | 'unclaimed'

export interface PartitionShares {
  /** @param members those alive, this one included */
  setMembers(members: readonly string[]): void
  /** Partitions that are assigned to this worker and not among `owned`. */
  missing(owned: ReadonlySet<number>): number[]
  /** Partitions of `owned` that another worker should have. */
  toRelease(owned: ReadonlySet<number>, now: number): number[]
  /**
   * @param lives by partition not owned: what is left of its lease, in ms; undefined when it is free
   * @returns those to take now
   */
  toTake(lives: ReadonlyMap<number, number | undefined>, now: number): { partition: number; reason: TakeReason }[]
  /** The partition was taken, for the reason given by `toTake`. */
  taken(partition: number, reason: TakeReason, now: number): void
}

/** @param random 0 up to 1 */
export function createPartitionShares({
  partitions,
  self,
  graceMs,
  random,
}: {
  partitions: number
  self: string
  graceMs: number
  random: () => number
}): PartitionShares {
  let assigned: readonly string[] = []
  /** Of free partitions of others: when this worker takes them. */
  const patience = new Map<number, { assignee: string | undefined; until: number }>()
  /** Of partitions held by others: when the lease runs out unless it is renewed. */
  const expiries = new Map<number, number>()
  const keptFrom = new Map<number, { assignee: string | undefined; until: number }>()

  const isOutOfPatience = (partition: number, now: number): boolean => {
    const assignee = assigned[partition]
    const known = patience.get(partition)
    if (known?.assignee === assignee && known !== undefined) return now >= known.until
    patience.set(partition, { assignee, until: now + graceMs + random() * GRACE_SPREAD_MS })
    return false
  }

  return {
    setMembers(members) {
      assigned = assignPartitions({ partitions, members })
    },
    missing: (owned) => assigned.flatMap((id, partition) => (id === self && !owned.has(partition) ? [partition] : [])),
    toRelease(owned, now) {
      return [...owned].filter((partition) => {
        if (assigned[partition] === self) return false
        const kept = keptFrom.get(partition)
        return kept === undefined || kept.assignee !== assigned[partition] || now >= kept.until
      })
    },
    toTake(lives, now) {
      const due: { partition: number; reason: TakeReason }[] = []
      for (const [partition, lifeMs] of lives) {
        if (lifeMs !== undefined) {
          expiries.set(partition, now + lifeMs)
          patience.delete(partition)
        } else if (assigned[partition] === self) {
          const expiry = expiries.get(partition)
          const ranOut = expiry !== undefined && now >= expiry - MEASURING_MS
          due.push({ partition, reason: ranOut ? 'expired' : 'assigned' })
        } else if (isOutOfPatience(partition, now)) {
          due.push({ partition, reason: 'unclaimed' })
        }
      }
      return due
    },
    taken(partition, reason, now) {
      patience.delete(partition)
      expiries.delete(partition)
      keptFrom.delete(partition)
      if (reason === 'unclaimed') {
        keptFrom.set(partition, { assignee: assigned[partition], until: now + KEPT_FROM_ASSIGNEE_MS })
      }
    },
  }
}
