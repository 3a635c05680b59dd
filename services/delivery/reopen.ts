/**
 * From a reference (message and subscription) to what is to be sent: body record → verify → topic →
 * subscription → open. What retries and backlogs have in common.
 */

import type { Clock } from '#shared/clock'
import type { Log } from '#shared/log'
import type { RecordMac } from '#shared/record-mac'
import { decodeEntry, type Entry, type OpenSubscription, type PartitionLease } from '#shared/stream-log'
import type { Compose, Outgoing } from './compose.ts'
import { decideError } from './decide-settlement.ts'
import type { HeldReferences } from './held/held-references.ts'
import { isKeyRefusal } from './held/key-refusal.ts'
import type { DeliveryMetrics } from './metrics.ts'
import { type Recipient, recipientOf } from './recipients.ts'
import type { TopicCache } from './topic-cache.ts'

export type Reopened =
  | { kind: 'ready'; entry: Entry; recipient: Recipient; outgoing: Outgoing; state: OpenSubscription }
  /** Nothing is open under the reference any more. */
  | { kind: 'absent' }
  /** Topic or subscription are gone: nobody is to receive it. */
  | { kind: 'dropped' }
  /** Its integrity failed. The record stays where it lies, as evidence; nothing is to refer to it any more. */
  | { kind: 'refused' }
  /** It cannot be tried now. */
  | { kind: 'hold' }
  /** It waits for a KMS key, to which its reference moved. */
  | { kind: 'held' }

/**
 * @param backlogId where the reference lies in its backlog; undefined for one in the retry schedule
 * @throws what reading the record or the topic throws, and what keeps a body from being opened now
 */
export type Reopen = (messageId: string, subscriptionId: string, backlogId?: string) => Promise<Reopened>

export function createReopen({
  lease,
  heldReferences,
  recordMac,
  topics,
  compose,
  clock,
  log,
  metrics,
}: {
  lease: Pick<PartitionLease, 'readBody'>
  heldReferences: Pick<HeldReferences, 'hold'>
  recordMac: RecordMac
  topics: Pick<TopicCache, 'resolve'>
  compose: Compose
  clock: Clock
  log: Log
  metrics: DeliveryMetrics
}): Reopen {
  return async (messageId, subscriptionId, backlogId) => {
    const body = await lease.readBody(messageId)
    const state = body?.open.get(subscriptionId)
    if (body === undefined || state === undefined) return { kind: 'absent' }
    if (state.held === true) return { kind: 'held' }

    const refuse = (reason: string, error?: unknown): Reopened => {
      metrics.entryQuarantined(reason)
      log.alarm('body.refused', { messageId, subscriptionId, reason }, error)
      return { kind: 'refused' }
    }
    const drop = (reason: 'topic' | 'subscription'): Reopened => {
      metrics.dropped(reason)
      return { kind: 'dropped' }
    }

    let entry: Entry
    try {
      entry = decodeEntry(body.fields, recordMac)
    } catch (error) {
      const { kind, reason } = decideError(error)
      if (kind === 'quarantine') return refuse(reason, error)
      throw error
    }
    // Genuine, but of another message: somebody moved it here.
    if (entry.messageId !== messageId) return refuse('RECORD_FORGED')

    const topic = (await topics.resolve([entry.topicArn])).get(entry.topicArn)
    if (topic === undefined || topic.kind === 'unusable') return { kind: 'hold' }
    if (topic.kind === 'unknown' || topic.topic.incarnation !== entry.incarnation) return drop('topic')
    const recipient = recipientOf(entry, topic.recipients, subscriptionId, clock.now())
    if (recipient === undefined) return drop('subscription')
    try {
      const outgoing = await compose(entry, topic.topic, [recipient])
      return { kind: 'ready', entry, recipient, outgoing, state }
    } catch (error) {
      const { kind, reason } = decideError(error)
      if (kind === 'quarantine') return refuse(reason, error)
      if (!isKeyRefusal(error) || entry.sealed === undefined) throw error
      const reference = { messageId, subscriptionId, acceptedAt: entry.acceptedAt, backlogId }
      if (await heldReferences.hold(entry.sealed.keyArn, reference, reason)) return { kind: 'held' }
      throw error
    }
  }
}
