/**
 * One due retry: body record → verify → topic → subscription → open → deliver → verdict.
 *
 * The verdict counts only what was tried: a KMS key, a topic record or a Redis that is not usable
 * holds the job without consuming an attempt. Everything final removes the subscription from the body
 * record first, fenced by the lease; the last one removes the record, and the job is gone after it.
 */

import type { Log } from '#shared/log'
import type { RecordMac } from '#shared/record-mac'
import { applyJitter, type DueRetry, type RetryVerdict } from '#shared/retry-schedule'
import { decodeEntry, type Entry, LeaseLostError, type PartitionLease } from '#shared/stream-log'
import type { AttemptDelivery } from './attempt.ts'
import type { Compose, Outgoing } from './compose.ts'
import { decideError } from './decide-settlement.ts'
import type { Budget } from './in-flight-budget.ts'
import { keepTrying } from './keep-trying.ts'
import { RETRY_HOLD_MS } from './limits.ts'
import type { DeliveryMetrics } from './metrics.ts'
import { recipientsOf } from './recipients.ts'
import { isTampering, reportFailure } from './report-failure.ts'
import type { TopicCache } from './topic-cache.ts'

export interface RetryDependencies {
  recordMac: RecordMac
  topics: TopicCache
  compose: Compose
  attemptDelivery: AttemptDelivery
  budget: Budget
  /** Length of one second of a retry policy. */
  retrySecondMs: number
  random: () => number
  log: Log
  metrics: DeliveryMetrics
}

type BodyLease = Pick<PartitionLease, 'readBody' | 'settleSubscription'>

const HOLD: RetryVerdict = { kind: 'hold', delayMs: RETRY_HOLD_MS }
const DONE: RetryVerdict = { kind: 'done' }
const ABANDON: RetryVerdict = { kind: 'abandon' }

/**
 * @param lease of the partition the job belongs to
 * @param gone aborts when that lease is lost
 * @param onLeaseLost called when a fenced script was refused
 */
export function createRetryProcessor(
  o: RetryDependencies & { lease: BodyLease; gone: AbortSignal; onLeaseLost: () => void },
): (due: DueRetry) => Promise<RetryVerdict> {
  const { lease, gone, metrics, log } = o

  return async (due) => {
    const places = await o.budget.reserve(1, gone)
    if (places === 0) return ABANDON
    try {
      return await retry(due)
    } catch (error) {
      if (error instanceof LeaseLostError) o.onLeaseLost()
      if (gone.aborted || error instanceof LeaseLostError) return ABANDON
      if (isTampering(error) || decideError(error).reason === 'UNEXPECTED') {
        reportFailure(o, 'retry.failed', { messageId: due.messageId }, error)
      }
      return HOLD
    } finally {
      o.budget.release(places)
    }
  }

  async function retry({ messageId, subscriptionId, retriesMade }: DueRetry): Promise<RetryVerdict> {
    const body = await lease.readBody(messageId)
    if (body === undefined || !body.openSubscriptions.includes(subscriptionId)) return DONE

    const settle = async (): Promise<RetryVerdict> => {
      await keepTrying(() => lease.settleSubscription(messageId, subscriptionId), gone)
      return DONE
    }
    /** The record stays where it lies, as evidence; with the job gone nothing refers to it any more. */
    const refuse = (reason: string, error?: unknown): RetryVerdict => {
      metrics.entryQuarantined(reason)
      log.alarm('body.refused', { messageId, subscriptionId, reason }, error)
      return DONE
    }

    let entry: Entry
    try {
      entry = decodeEntry(body.fields, o.recordMac)
    } catch (error) {
      const { kind, reason } = decideError(error)
      if (kind === 'quarantine') return refuse(reason, error)
      throw error
    }
    // Genuine, but of another message: somebody moved it here.
    if (entry.messageId !== messageId) return refuse('RECORD_FORGED')

    const topic = (await o.topics.resolve([entry.topicArn])).get(entry.topicArn)
    if (topic === undefined || topic.kind === 'unusable') return HOLD
    if (topic.kind === 'unknown' || topic.topic.incarnation !== entry.incarnation) {
      metrics.dropped('topic')
      return settle()
    }
    const recipient = recipientsOf(entry, topic.recipients).find(
      ({ subscription }) => subscription.id === subscriptionId,
    )
    if (recipient === undefined) {
      metrics.dropped('subscription')
      return settle()
    }

    let outgoing: Outgoing
    try {
      outgoing = await o.compose(entry, topic.topic, [recipient])
    } catch (error) {
      const { kind, reason } = decideError(error)
      if (kind === 'quarantine') return refuse(reason, error)
      throw error
    }
    if (gone.aborted) return ABANDON
    // The first attempt was made straight from the stream.
    const decision = await o.attemptDelivery({ entry, recipient, outgoing, attempt: retriesMade + 2 })
    if (decision.kind !== 'retry') return settle()
    const delayMs = applyJitter(decision.delaySeconds * o.retrySecondMs, o.random())
    return { kind: 'retry', delayMs, reason: decision.reason }
  }
}
