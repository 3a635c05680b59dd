/**
 * Messages of one partition that are in the retry schedule or in a backlog and wait for a KMS key: what retries and
 * backlogs tell, for whoever keeps the held streams. It comes before both, since retries run before the loop does.
 */

import type { HeldReference, PartitionLease } from '#shared/stream-log'

export interface HeldReferences {
  /**
   * Moves a reference to the held stream of the key.
   *
   * @returns false when so many keys are held that it has to stay where it is
   */
  hold(keyArn: string, reference: HeldReference, reason: string): Promise<boolean>
  /** Through whom everything that is held joins. */
  attach(keeper: HeldKeeper): void
}

export interface HeldKeeper {
  /**
   * Has a message join those that wait for the key.
   *
   * @param move resolves to how many wait by now
   * @returns false when so many keys are held that it has to stay where it is
   */
  join(keyArn: string, move: () => Promise<{ held: number }>, reason: string): Promise<boolean>
}

export function createHeldReferences(lease: Pick<PartitionLease, 'holdReference'>): HeldReferences {
  let keeper: HeldKeeper | undefined
  return {
    async hold(keyArn, reference, reason) {
      if (keeper === undefined) return false
      return keeper.join(keyArn, () => lease.holdReference(keyArn, reference), reason)
    },
    attach(one) {
      keeper = one
    },
  }
}
