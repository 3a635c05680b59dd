/**
 * Which KMS key each stored message needs now: the one that its data key stands under, by its rewrap record where there
 * is one. What does not verify names no key: it is counted, and workers will put it aside.
 */

import { type RewrapStore, rewrapNameOf } from '#shared/data-keys'
import { BrokerError } from '#shared/errors'
import type { RecordMac } from '#shared/record-mac'
import type { Redis } from '#shared/redis'
import { decodeEntry, readStoredMessages, type StoredMessage, type StoredState } from '#shared/stream-log'

/** A data key as messages and gateways name it. */
export interface KnownDataKey {
  encryptedDataKey: Buffer
  keyArn: string
  topicArn: string
  /** The publisher's ARN. */
  principal: string
}

interface ProtectedMessage {
  state: StoredState
  /** Epoch ms. */
  acceptedAt: number
  /** As the message names it. */
  dataKey: KnownDataKey
  /** Of the KMS key that is needed now. */
  keyArn: string
}

/** Data keys that were met, and where they stand now. */
export interface DataKeyIndex {
  /** @returns ARN of the KMS key under which the data key stands now */
  meet(dataKey: KnownDataKey): Promise<string>
  /** @param name as `rewrapNameOf` gives it */
  has(name: string): boolean
}

/** @param o.onFirst called once for each data key, with the KMS key under which it stands */
export function createDataKeyIndex(o: {
  rewraps: Pick<RewrapStore, 'find'>
  onFirst?: (keyArn: string) => void
}): DataKeyIndex {
  const standsUnder = new Map<string, string>()
  return {
    async meet(dataKey) {
      const name = rewrapNameOf(dataKey)
      const known = standsUnder.get(name)
      if (known !== undefined) return known
      const keyArn = (await o.rewraps.find(dataKey))?.keyArn ?? dataKey.keyArn
      if (!standsUnder.has(name)) {
        standsUnder.set(name, keyArn)
        o.onFirst?.(keyArn)
      }
      return keyArn
    },
    has: (name) => standsUnder.has(name),
  }
}

/**
 * @param o.onUntrusted called for each message that does not verify
 * @returns the sealed ones of those that do
 */
export async function* readProtectedMessages(o: {
  redis: Redis
  recordMac: RecordMac
  partitions: number
  index: DataKeyIndex
  onUntrusted: (state: StoredState) => void
}): AsyncGenerator<ProtectedMessage> {
  for await (const page of readStoredMessages(o)) {
    for (const message of page) {
      const found = await read(message, o)
      if (found !== undefined) yield found
    }
  }
}

async function read(
  { state, fields }: StoredMessage,
  o: { recordMac: RecordMac; index: DataKeyIndex; onUntrusted: (state: StoredState) => void },
): Promise<ProtectedMessage | undefined> {
  try {
    const { sealed, topicArn, principal, acceptedAt } = decodeEntry(fields, o.recordMac)
    if (sealed === undefined) return undefined
    const dataKey = { ...sealed, topicArn, principal }
    return { state, acceptedAt, dataKey, keyArn: await o.index.meet(dataKey) }
  } catch (error) {
    if (!isUntrusted(error)) throw error
    o.onUntrusted(state)
    return undefined
  }
}

function isUntrusted(error: unknown): boolean {
  return error instanceof BrokerError && (error.code === 'RECORD_FORGED' || error.code === 'ENTRY_MALFORMED')
}
