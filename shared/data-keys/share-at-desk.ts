/**
 * A source of data keys for one of several threads: what another of them has obtained is not asked of KMS again.
 *
 * Around all else that a source is made of, so that a key is known by what was stored of it, whatever stands in for it.
 */

import { createSecretKey } from 'node:crypto'
import type { Clock } from '#shared/clock'
import type { DataKeySource } from './data-key-source.ts'
import { type KeyDesk, nameOfDataKey } from './key-desk.ts'

/** @param o.reuseMs how long a key seals that is issued now */
export function shareAtDesk(
  kms: Pick<DataKeySource, 'generateDataKey' | 'decrypt'>,
  { desk, clock, reuseMs }: { desk: KeyDesk; clock: Clock; reuseMs: number },
): DataKeySource {
  return {
    async generateDataKey(call) {
      const issued = await kms.generateDataKey(call)
      const { topicArn, principal } = call
      // Before anybody can read of it in the store: who does finds it here.
      await bring(nameOfDataKey({ ...issued, topicArn, principal }), issued.plaintext, reuseMs)
      return issued
    },
    async decrypt(call) {
      const name = nameOfDataKey(call)
      const there = await desk.find(name)
      if (there !== undefined) return there.export()
      let isBrought = false
      try {
        const plaintext = await kms.decrypt(call)
        await bring(name, plaintext, (call.expiresAt ?? clock.now() + reuseMs) - clock.now())
        isBrought = true
        return plaintext
      } finally {
        if (!isBrought) desk.giveUp(name)
      }
    },
  }

  async function bring(name: string, plaintext: Buffer, forMs: number): Promise<void> {
    try {
      await desk.bring(name, createSecretKey(plaintext), forMs)
    } catch (error) {
      // Nobody gets it who would do so.
      plaintext.fill(0)
      throw error
    }
  }
}
