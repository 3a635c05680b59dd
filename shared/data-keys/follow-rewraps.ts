/**
 * A source of data keys that asks KMS for the encrypted data key that stands in for another, where one does: what was
 * sealed under a KMS key that has been retired since goes on being opened, by the same number of calls.
 *
 * Looked up before each Decrypt rather than after a refusal: that is one GET a data key beside a call to KMS, and never
 * an additional call.
 */

import type { DataKeySource } from './data-key-source.ts'
import type { RewrapStore } from './rewrap-store.ts'

export function followRewraps<Source extends DataKeySource>(
  kms: Source,
  rewraps: Pick<RewrapStore, 'find'>,
): Pick<Source, 'generateDataKey' | 'decrypt'> {
  return {
    generateDataKey: (call) => kms.generateDataKey(call),
    async decrypt(call) {
      const rewrapped = await rewraps.find(call)
      if (rewrapped === undefined) return kms.decrypt(call)
      const { encryptedDataKey, keyArn } = rewrapped
      return kms.decrypt({ ...call, encryptedDataKey, keyArn })
    },
  }
}
