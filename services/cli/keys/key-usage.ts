/**
 * What each KMS key still protects, and what may still be sealed under it: a snapshot, taken while everything runs.
 *
 * Read in the order in which a message comes to be, so that none is missed on its way:
 *
 *   topics, and what their aliases stand for → (a GenerateDataKey begun before is over) → data keys in use
 *   → (a publish begun before is stored) → stored messages, in the direction in which they move
 *
 * A key that shows in none of them was needed by nothing when the reading of messages began, and by nothing since,
 * unless a topic or an alias was changed to it meanwhile. The two waits make it so also for a key that an alias stood
 * for until a moment ago. Not seen: a data key that a gateway could not leave in Redis for the others, for the reuse
 * period that it lasts.
 */

import type { Catalog } from '#shared/catalog'
import type { Clock } from '#shared/clock'
import { listDataKeys, type RewrapStore } from '#shared/data-keys'
import type { RecordMac } from '#shared/record-mac'
import type { Redis } from '#shared/redis'
import type { StoredState } from '#shared/stream-log'
import { type ConfiguredKeys, type ResolveKey, readConfiguredKeys } from './configured-keys.ts'
import { createDataKeyIndex, type DataKeyIndex, readProtectedMessages } from './protected-messages.ts'

export type StateCounts = Record<StoredState, number>

export interface KeyUsage {
  keyArn: string
  /** Messages by where they wait. */
  messages: StateCounts
  /** Distinct data keys of those messages and of gateways. */
  dataKeys: number
  /** Epoch ms: when the oldest message that is to be delivered was accepted. */
  oldestAcceptedAt: number | undefined
  /** ARNs of topics that are configured with it. */
  topics: readonly string[]
  /** Epoch ms: until then a gateway may seal under it, whatever topics are configured with. */
  sealsUntil: number | undefined
  /** Data keys that messages name it for and that stand under another key now. */
  rewrapped: number
}

export interface KeyUsageReport {
  /** In order of ARN. */
  keys: KeyUsage[]
  unresolved: ConfiguredKeys['unresolved']
  /** Messages that do not verify: they name no key, and are never delivered. */
  untrusted: StateCounts
}

export interface KeyUsageSources {
  redis: Redis
  recordMac: RecordMac
  partitions: number
  catalog: Pick<Catalog, 'readTopic'>
  rewraps: Pick<RewrapStore, 'find' | 'list' | 'remove'>
  resolveKey: ResolveKey
  onForged: (what: { kind: 'data-key'; topicArn: string }) => void
  clock: Clock
  pause: (ms: number) => Promise<unknown>
}

/** The deadline of a GenerateDataKey and of storing its record. */
export const ISSUE_GRACE_MS = 4_500

/**
 * The time after which no publish that began before is stored any more (3.5 s: ARCHITECTURE.md, "A change is answered when
 * it is true"), and 2 s for a data key that was still in use but no longer listed: a gateway that joins shortly before
 * its end replaces its record.
 */
export const APPEND_GRACE_MS = 5_500

export async function readKeyUsage(o: KeyUsageSources): Promise<{ report: KeyUsageReport; index: DataKeyIndex }> {
  const found = new Map<string, KeyUsage>()
  const untrusted = noMessages()
  const usageOf = (keyArn: string): KeyUsage => {
    const usage = found.get(keyArn) ?? unused(keyArn)
    found.set(keyArn, usage)
    return usage
  }
  const index = createDataKeyIndex({ rewraps: o.rewraps, onFirst: (keyArn) => void usageOf(keyArn).dataKeys++ })

  const { byKeyArn, unresolved } = await readConfiguredKeys(o)
  for (const [keyArn, topics] of byKeyArn) usageOf(keyArn).topics = topics.toSorted()
  await o.pause(ISSUE_GRACE_MS)
  for await (const dataKeys of listDataKeys(o)) {
    for (const dataKey of dataKeys) {
      // By the rewrap record's key if it has one: that is what opening takes, whatever gateways hold in memory.
      const usage = usageOf(await index.meet(dataKey))
      usage.sealsUntil = Math.max(usage.sealsUntil ?? 0, dataKey.notAfter)
    }
  }
  await o.pause(APPEND_GRACE_MS)
  for await (const { keyArn, state, acceptedAt } of readProtectedMessages({
    ...o,
    index,
    onUntrusted: (at) => void untrusted[at]++,
  })) {
    const usage = usageOf(keyArn)
    usage.messages[state]++
    if (state !== 'quarantined') usage.oldestAcceptedAt = Math.min(usage.oldestAcceptedAt ?? acceptedAt, acceptedAt)
  }
  for await (const records of o.rewraps.list()) {
    for (const { sourceKeyArn, keyArn } of records) if (sourceKeyArn !== keyArn) usageOf(sourceKeyArn).rewrapped++
  }
  const keys = [...found.values()].toSorted((a, b) => (a.keyArn < b.keyArn ? -1 : 1))
  return { report: { keys, unresolved, untrusted }, index }
}

/** Those that are to be delivered. */
export function countWaiting({ undelivered, retrying, backlogged, held }: StateCounts): number {
  return undelivered + retrying + backlogged + held
}

function unused(keyArn: string): KeyUsage {
  const nothing = { oldestAcceptedAt: undefined, sealsUntil: undefined }
  return { keyArn, messages: noMessages(), dataKeys: 0, topics: [], rewrapped: 0, ...nothing }
}

function noMessages(): StateCounts {
  return { undelivered: 0, retrying: 0, backlogged: 0, held: 0, quarantined: 0 }
}
