/**
 * Re-encrypts every live data key that stands under one KMS key for another: once each, however many messages it sealed.
 *
 * Each is its own step: asked of KMS, and its record stored in the turn of the answer. So it may be ended at any moment
 * and begun again: what has its record already stands under the new key and is not met again. What two do at once to
 * one data key, the record decides: it is replaced only as it was looked at.
 */

import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '#shared/clock'
import { isLastingRefusal, listDataKeys, type RewrapStore, rewrapNameOf } from '#shared/data-keys'
import { BrokerError } from '#shared/errors'
import type { RecordMac } from '#shared/record-mac'
import type { Redis } from '#shared/redis'
import {
  createDataKeyIndex,
  type DataKeyIndex,
  type KnownDataKey,
  readProtectedMessages,
} from './protected-messages.ts'

export interface RewrapSummary {
  /** Data keys that stood under the old key. */
  found: number
  rewrapped: number
  /** Of those that could not be, by the code of the reason. */
  failed: ReadonlyMap<string, number>
}

/** Encrypts anew what `fromKeyArn` encrypted. */
export type ReEncrypt = (o: {
  encryptedDataKey: Buffer
  fromKeyArn: string
  toKeyArn: string
  topicArn: string
  /** The publisher's ARN. */
  principal: string
}) => Promise<Buffer>

export interface RewrapOptions {
  fromKeyArn: string
  toKeyArn: string
  redis: Redis
  recordMac: RecordMac
  partitions: number
  rewraps: Pick<RewrapStore, 'find' | 'look' | 'replace'>
  reEncrypt: ReEncrypt
  onForged: (what: { kind: 'data-key'; topicArn: string }) => void
  onProgress: (done: number, of: number) => void
  clock: Clock
  /** Between attempts that KMS may answer otherwise the next time. */
  retryMs?: number
}

/** Calls under way: with 30 ms each some 250 a second, which is far below KMS's quotas. */
const CONCURRENCY = 8

/** Of one data key, while KMS throttles or does not answer. */
const MAX_ATTEMPTS = 5

const RETRY_MS = 1_000

/** @throws {BrokerError} what KMS said to the first data key, when that goes for all of them; nothing was changed then */
export async function rewrapDataKeys(o: RewrapOptions): Promise<{ summary: RewrapSummary; index: DataKeyIndex }> {
  const { found, index } = await collect(o)
  const failed = new Map<string, number>()
  let rewrapped = 0
  let next = 0

  const finish = async (dataKey: KnownDataKey, { isFirst }: { isFirst: boolean }): Promise<void> => {
    try {
      if (await rewrapOne(dataKey, o)) rewrapped++
    } catch (error) {
      // A fault of ours is told with its text and ends the command; what has been rewrapped stays.
      if (!(error instanceof BrokerError)) throw error
      // About one of the two KMS keys or about who asks: any other data key would get it too.
      if (isFirst && isLastingRefusal(error)) throw error
      failed.set(error.code, (failed.get(error.code) ?? 0) + 1)
    }
    o.onProgress(rewrapped, found.length)
  }
  const work = async (): Promise<void> => {
    for (let dataKey = found[next++]; dataKey !== undefined; dataKey = found[next++]) {
      await finish(dataKey, { isFirst: false })
    }
  }
  // Alone: a refusal of the key as a whole should cost one call, not one for each data key.
  const first = found[next++]
  if (first !== undefined) await finish(first, { isFirst: true })
  await Promise.all(Array.from({ length: CONCURRENCY }, work))
  return { summary: { found: found.length, rewrapped, failed }, index }
}

/**
 * In the order of key-usage.ts: what gateways seal with is met before it shows in messages. What is in quarantine is
 * left as it is: nobody will ask for it, and KMS may have said that its data key is not genuine.
 */
async function collect(o: RewrapOptions): Promise<{ found: KnownDataKey[]; index: DataKeyIndex }> {
  const found = new Map<string, KnownDataKey>()
  const index = createDataKeyIndex(o)
  const note = (keyArn: string, dataKey: KnownDataKey): void => {
    if (keyArn !== o.fromKeyArn) return
    const name = rewrapNameOf(dataKey)
    // A copy: the bytes at hand are part of a whole reply of Redis.
    if (!found.has(name)) found.set(name, { ...dataKey, encryptedDataKey: Buffer.from(dataKey.encryptedDataKey) })
  }
  for await (const dataKeys of listDataKeys(o)) {
    for (const { encryptedDataKey, keyArn, topicArn, principal } of dataKeys) {
      const dataKey = { encryptedDataKey, keyArn, topicArn, principal }
      note(await index.meet(dataKey), dataKey)
    }
  }
  for await (const { state, keyArn, dataKey } of readProtectedMessages({ ...o, index, onUntrusted: () => {} })) {
    if (state !== 'quarantined') note(keyArn, dataKey)
  }
  return { found: [...found.values()], index }
}

/** @returns false when somebody else has rewrapped it meanwhile */
async function rewrapOne(dataKey: KnownDataKey, o: RewrapOptions): Promise<boolean> {
  const { topicArn, principal } = dataKey
  const { rewrapped, stored } = await o.rewraps.look(dataKey)
  const current = rewrapped ?? dataKey
  if (current.keyArn !== o.fromKeyArn) return false
  const asked = { encryptedDataKey: current.encryptedDataKey, topicArn, principal }
  const encryptedDataKey = await patiently(
    () => o.reEncrypt({ ...asked, fromKeyArn: o.fromKeyArn, toKeyArn: o.toKeyArn }),
    o,
  )
  const by = { encryptedDataKey, keyArn: o.toKeyArn, rewrappedAt: o.clock.now() }
  return o.rewraps.replace(dataKey, { by, stored })
}

async function patiently<T>(work: () => Promise<T>, { retryMs = RETRY_MS }: RewrapOptions): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof BrokerError) || !error.retryable || attempt >= MAX_ATTEMPTS) throw error
      await delay(retryMs * attempt)
    }
  }
}
