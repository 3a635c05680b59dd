/**
 * Keeps this worker on the list of those alive and passes on who else is, until it leaves.
 *
 * Beats that fail change nothing: the last list stands. Leases, not this list, keep two workers apart.
 */

import type { Log } from '#shared/log'

/** What this needs of `#shared/membership`. */
export interface RollCallMembership {
  readonly id: string
  beat(): Promise<readonly string[]>
  leave(): Promise<void>
}

export interface RollCall {
  /** Resolves after the first beat, whether it came through or not. */
  readonly ready: Promise<void>
  /** Beats no more and takes this worker off the list, so that others take its partitions as they come free. */
  leave(): Promise<void>
}

/** Beats in the life of an announcement: three may be lost. */
const BEATS_PER_LIFE = 4

/** That long a dead worker is believed at most; its leases usually last longer. */
const LONGEST_LIFE_MS = 3_000
const LONGEST_PAUSE_MS = 500

/** @returns for how long a beat announces a worker, and how long after it comes the next */
export function rollCallTimes(leaseMs: number): { ttlMs: number; pauseMs: number } {
  const ttlMs = Math.min(LONGEST_LIFE_MS, leaseMs)
  return { ttlMs, pauseMs: Math.min(LONGEST_PAUSE_MS, ttlMs / BEATS_PER_LIFE) }
}

/** @param onMembers called with every list that differs from the one before */
export function startRollCall({
  membership,
  pauseMs,
  onMembers,
  log,
}: {
  membership: RollCallMembership
  pauseMs: number
  onMembers: (members: readonly string[]) => void
  log: Log
}): RollCall {
  let left = false
  let timer: NodeJS.Timeout | undefined
  let last = ''
  let failed = false

  const beat = async (): Promise<void> => {
    try {
      const members = await membership.beat()
      failed = false
      const list = members.join()
      if (list !== last && !left) {
        last = list
        onMembers(members)
      }
    } catch (error) {
      // Once, not with every beat of an outage.
      if (!failed) log.warn('members.beat-failed', {}, error)
      failed = true
    }
    if (!left) timer = setTimeout(() => void beat(), pauseMs)
  }

  return {
    ready: beat(),
    async leave() {
      left = true
      clearTimeout(timer)
      await membership.leave().catch((error: unknown) => log.warn('members.leave-failed', {}, error))
    },
  }
}
