/** For tests: the sealing keys of some gateways, with a KMS and a store that the test commands. */

import { type Clock, createFakeClock } from '#shared/clock'
import type { DataKeyPair } from '../data-key-pair.ts'
import type { DataKeySource } from '../data-key-source.ts'
import { createFakeDataKeySource } from '../fake-data-key-source.ts'
import { createFakeDataKeyStore } from '../fake-data-key-store.ts'
import type { IssuedDataKey } from '../issue-data-key.ts'
import { createSealingKeys, type RetiredDataKey } from '../sealing-keys.ts'

export function idOf({ dataKey }: IssuedDataKey): string {
  return dataKey.id.toString('hex')
}

export function setUpSealing({
  kmsTakesMs = 0,
  reuseMs = 300_000,
  maxMessages,
  maxPairs,
  maxWaiting,
}: {
  kmsTakesMs?: number
  reuseMs?: number
  maxMessages?: number
  maxPairs?: number
  maxWaiting?: number
} = {}) {
  const clock = createFakeClock()
  const kms = createFakeDataKeySource({ onCall: () => clock.advance(kmsTakesMs) })
  const store = createFakeDataKeyStore({ clock })
  const storeFailures: unknown[] = []
  const lookups: string[] = []
  const retired: RetiredDataKey[] = []
  /** Another process: own cache, shared KMS, store and clock. */
  const gateway = (o: { reuseMs?: number; onPause?: () => void; clock?: Clock; kms?: DataKeySource } = {}) =>
    createSealingKeys({
      kms: o.kms ?? kms,
      store,
      clock: o.clock ?? clock,
      reuseMs: o.reuseMs ?? reuseMs,
      onLookup: (result) => lookups.push(result),
      onRetired: (key) => retired.push(key),
      onStoreFailure: (error) => storeFailures.push(error),
      pause: async (ms) => {
        o.onPause?.()
        clock.advance(ms)
        // Lets everything that is ready run, as a real pause does.
        await new Promise((resolve) => setImmediate(resolve))
      },
      ...(maxMessages === undefined ? {} : { maxMessages }),
      ...(maxPairs === undefined ? {} : { maxPairs }),
      ...(maxWaiting === undefined ? {} : { maxWaiting }),
    })
  const pair: DataKeyPair = {
    topicArn: 'arn:aws:sns:us-east-1:000000000000:orders',
    principal: 'arn:aws:iam::000000000000:user/alice',
    configuredKeyId: 'alias/orders',
  }
  return { clock, kms, store, storeFailures, lookups, retired, gateway, keys: gateway(), pair }
}
