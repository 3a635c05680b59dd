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
  /** Who is asked whether a key may be held, and told what is. */
  attach(keeper: HeldKeeper): void
}

export interface HeldKeeper {
  mayHold(keyArn: string): boolean
  /** @param held how many messages wait for the key by now */
  onHeld(keyArn: string, held: number, reason: string): void
}

export function createHeldReferences(lease: Pick<PartitionLease, 'holdReference'>): HeldReferences {
  let keeper: HeldKeeper | undefined
  return {
    async hold(keyArn, reference, reason) {
      if (keeper?.mayHold(keyArn) !== true) return false
      const { held } = await lease.holdReference(keyArn, reference)
      keeper.onHeld(keyArn, held, reason)
      return true
    },
    attach(one) {
      keeper = one
    },
  }
}
