/**
 * A source of data keys for one of several threads: what another of them has obtained is not asked of KMS again.
 *
 * Around all else that a source is made of, so that a key is known by what was stored of it, whatever stands in for it.
 */

import { createSecretKey } from 'node:crypto'
import type { DataKeySource } from './data-key-source.ts'
import { type KeyDesk, nameOfDataKey } from './key-desk.ts'

export function shareAtDesk(kms: Pick<DataKeySource, 'generateDataKey' | 'decrypt'>, desk: KeyDesk): DataKeySource {
  return {
    async generateDataKey(call) {
      const issued = await kms.generateDataKey(call)
      const { topicArn, principal } = call
      // Before anybody can read of it in the store: who does finds it here.
      await desk.bring(nameOfDataKey({ ...issued, topicArn, principal }), createSecretKey(issued.plaintext))
      return issued
    },
    async decrypt(call) {
      const name = nameOfDataKey(call)
      const there = await desk.find(name)
      if (there !== undefined) return there.export()
      let isBrought = false
      try {
        const plaintext = await kms.decrypt(call)
        await desk.bring(name, createSecretKey(plaintext))
        isBrought = true
        return plaintext
      } finally {
        if (!isBrought) desk.giveUp(name)
      }
    },
  }
}
