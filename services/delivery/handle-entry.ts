/**
 * One verified entry through its first attempts: topic → recipients → open → sign → deliver → decide.
 *
 * The body is opened only when somebody is to receive it. An entry of a topic that is gone, or of an
 * earlier incarnation of it, is dropped; one whose topic record is not usable waits.
 */

import type { Log } from '#shared/log'
import type { Entry } from '#shared/stream-log'
import type { AttemptDelivery } from './attempt.ts'
import type { Compose, Outgoing } from './compose.ts'
import { decideEntry, decideError, type EntryDecision } from './decide-settlement.ts'
import type { DeliveryMetrics } from './metrics.ts'
import { recipientsOf } from './recipients.ts'
import type { TopicState } from './topic-cache.ts'

/**
 * @param topic as of a moment after the entry was claimed
 * @param gone aborts when the lease is lost: no attempt is begun any more
 */
export type HandleEntry = (entry: Entry, topic: TopicState, gone: AbortSignal) => Promise<EntryDecision>

export function createHandleEntry({
  compose,
  attemptDelivery,
  log,
  metrics,
}: {
  compose: Compose
  attemptDelivery: AttemptDelivery
  log: Log
  metrics: DeliveryMetrics
}): HandleEntry {
  return async (entry, topic, gone) => {
    if (topic.kind === 'unusable') return { kind: 'hold', reason: topic.reason }
    if (topic.kind === 'unknown' || topic.topic.incarnation !== entry.incarnation) {
      metrics.dropped('topic')
      log.info('entry.dropped', { topicArn: entry.topicArn, messageId: entry.messageId, reason: 'topic' })
      return { kind: 'settle' }
    }
    const recipients = recipientsOf(entry, topic.recipients)
    if (recipients.length === 0) {
      // A notification nobody subscribed to is no loss; a confirmation without its subscription is too late.
      if (entry.confirmation !== undefined) metrics.dropped('subscription')
      return { kind: 'settle' }
    }

    let outgoing: Outgoing
    try {
      outgoing = await compose(entry, topic.topic, recipients)
    } catch (error) {
      const decision = decideError(error)
      if (decision.reason === 'UNEXPECTED') log.error('entry.failed', { messageId: entry.messageId }, error)
      return decision
    }
    if (gone.aborted) return { kind: 'abandon' }
    return decideEntry(
      await Promise.all(
        recipients.map(async (recipient) => ({
          subscriptionId: recipient.subscription.id,
          decision: await attemptDelivery({ entry, recipient, outgoing, attempt: 1 }),
        })),
      ),
    )
  }
}
