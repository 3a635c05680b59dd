/**
 * One delivery attempt to one subscription: send, classify, decide, count, and write its line.
 *
 * The line names ids, host, outcome and durations; never a body, a URL (it may carry credentials or
 * secrets in its path), a signature or a token.
 */

import type { Clock } from '#shared/clock'
import type { Log } from '#shared/log'
import type { Entry } from '#shared/stream-log'
import { type AttemptResult, classifyOutcome } from './classify-outcome.ts'
import type { Outgoing } from './compose.ts'
import { type AttemptDecision, decideAttempt } from './decide-settlement.ts'
import type { Served } from './endpoints/endpoint.ts'
import type { DeliveryMetrics } from './metrics.ts'
import type { HttpSender } from './protocols/https.ts'
import type { Recipient } from './recipients.ts'

export type AttemptDelivery = (o: {
  entry: Entry
  recipient: Recipient
  outgoing: Outgoing
  /** 1 for the first. */
  attempt: number
}) => Promise<Attempted>

export interface Attempted {
  decision: AttemptDecision
  /** What it says about the endpoint. */
  served: Served
}

export function createAttemptDelivery({
  http,
  clock,
  log,
  metrics,
}: {
  http: Pick<HttpSender, 'post'>
  clock: Clock
  log: Log
  metrics: DeliveryMetrics
}): AttemptDelivery {
  return async ({ entry, recipient, outgoing, attempt }) => {
    const made = outgoing(recipient)
    // Nothing is awaited that is there already: without a signature the request leaves in this turn.
    const request = made instanceof Promise ? await made : made
    const startedAt = clock.now()
    const result: AttemptResult =
      recipient.target === undefined
        ? { kind: 'unsendable', code: 'ENDPOINT_INVALID' }
        : await http.post({ target: recipient.target, ...request })
    const endedAt = clock.now()
    const outcome = classifyOutcome(result)
    const decision = decideAttempt(outcome, { attempt, delays: recipient.terms.delays })

    const { subscription, target } = recipient
    const durationMs = endedAt - startedAt
    metrics.attempted({
      protocol: subscription.protocol,
      host: target?.host,
      decision: decision.kind,
      seconds: durationMs / 1000,
    })
    if (decision.kind === 'delivered' && entry.kind === 'message') {
      metrics.delivered(entry.topicArn, (endedAt - entry.acceptedAt) / 1000)
    }
    if (decision.kind === 'failed') metrics.failed(entry.kind === 'message' ? entry.topicArn : undefined)
    const phase = decision.kind === 'retry' ? recipient.terms.phases[attempt - 1] : undefined
    if (phase !== undefined) metrics.retryScheduled(phase)
    const line = decision.kind === 'failed' ? log.warn : log.info
    line('delivery.attempted', {
      topicArn: entry.topicArn,
      messageId: entry.messageId,
      subscriptionId: subscription.id,
      kind: entry.confirmation?.purpose ?? 'notification',
      protocol: subscription.protocol,
      endpointHost: target?.host,
      attempt,
      outcome: decision.kind,
      reason: decision.kind === 'delivered' ? undefined : decision.reason,
      statusCode: result.kind === 'answered' ? result.statusCode : undefined,
      durationMs,
      dwellMs: endedAt - entry.acceptedAt,
    })
    const served = outcome.kind !== 'retryable' ? 'served' : result.kind === 'answered' ? 'refused' : 'unanswered'
    return { decision, served }
  }
}
