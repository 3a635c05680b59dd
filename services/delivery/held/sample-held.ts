/**
 * Picks a held message whose data key a probe may ask for: of the first in line, and after each refusal of the next one
 * that has another data key, if there is one not too far behind: one may be denied for itself, or the only one that was
 * not re-encrypted under another KMS key. What cannot be genuine on the way is put aside, and what leads to
 * nothing dropped.
 */

import type { SealedDataKey } from '#shared/data-keys'
import { readDataKeyId } from '#shared/envelope'
import type { Log } from '#shared/log'
import type { RecordMac } from '#shared/record-mac'
import { decodeEntry, type Entry, type HeldMessage, type PartitionLease } from '#shared/stream-log'
import { decideError } from '../decide-settlement.ts'
import { HELD_PAGE, MAX_PAGES_SAMPLED } from '../limits.ts'
import type { DeliveryMetrics } from '../metrics.ts'
import type { Sample } from './key-watch.ts'

/** @param o.onNothing called when nothing that is held needs the key */
export function createSampler(
  keyArn: string,
  o: {
    lease: Pick<PartitionLease, 'partition' | 'readHeld' | 'readBody' | 'leaveHeld' | 'quarantineHeld'>
    recordMac: RecordMac
    log: Log
    metrics: DeliveryMetrics
    onNothing: () => void
  },
): () => Promise<Sample | undefined> {
  const { lease } = o
  let after = '0'
  let passedOver: Buffer | undefined

  return async () => {
    let another: Sample | undefined
    let isWhole = after === '0'
    for (let pages = 0; pages < MAX_PAGES_SAMPLED; pages++) {
      const page = await lease.readHeld(keyArn, after, HELD_PAGE)
      for (const one of page) {
        const dataKey = await dataKeyOf(one)
        if (dataKey !== undefined && passedOver?.equals(dataKey.encryptedDataKey) !== true) return sample(one, dataKey)
        if (dataKey !== undefined) another ??= sample(one, dataKey)
        after = one.heldId
      }
      if (page.length > 0) continue
      after = '0'
      if (isWhole) {
        if (another === undefined) o.onNothing()
        break
      }
      isWhole = true
    }
    return another
  }

  function sample({ heldId }: HeldMessage, dataKey: SealedDataKey): Sample {
    return {
      dataKey,
      passOver() {
        after = heldId
        passedOver = dataKey.encryptedDataKey
      },
      quarantine: (reason) => quarantine(heldId, reason),
    }
  }

  async function dataKeyOf(held: HeldMessage): Promise<SealedDataKey | undefined> {
    try {
      const entry = await entryOf(held)
      if (entry === undefined) {
        await lease.leaveHeld(keyArn, [held.heldId])
        return undefined
      }
      if (entry.sealed?.keyArn !== keyArn) return undefined
      const { sealed, body, topicArn, principal } = entry
      return { ...sealed, dataKeyId: readDataKeyId(body), topicArn, principal }
    } catch (error) {
      const { kind, reason } = decideError(error)
      if (kind !== 'quarantine') throw error
      await quarantine(held.heldId, reason)
      return undefined
    }
  }

  async function entryOf(held: HeldMessage): Promise<Entry | undefined> {
    if (held.kind === 'entry') return decodeEntry(held.fields, o.recordMac)
    const body = held.messageId === '' ? undefined : await lease.readBody(held.messageId)
    return body?.open.has(held.subscriptionId) === true ? decodeEntry(body.fields, o.recordMac) : undefined
  }

  async function quarantine(heldId: string, reason: string): Promise<void> {
    o.metrics.entryQuarantined(reason)
    o.log.alarm('entry.quarantined', { partition: lease.partition, heldId, keyArn, reason })
    await lease.quarantineHeld(keyArn, heldId, reason)
  }
}
